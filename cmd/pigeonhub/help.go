package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// action is a flag that makes the program do something instead of serving.
type action struct {
	name, shorthand string
	wanted          *bool
	help            string
}

func (c *config) actions() []action {
	return []action{
		{"help", "h", &c.help, "print this"},
		{"version", "", &c.version, "print the version"},
		{"print-config", "", &c.printConfig, "print every setting, its value, and where the value comes from"},
		{"check-config", "", &c.checkConfig, "check the settings and certificates; exit 0, or 2 if one is wrong"},
		{"health-check", "", &c.healthCheck, "request /livez from the hub that runs here with the same settings; exit 0 if it answers"},
	}
}

// Columns of the help.
const (
	helpIndent = 36
	helpWidth  = 100
	glue       = "\u00a0" // a space without a line break
)

func (c *config) writeHelp(w io.Writer) {
	fmt.Fprint(w, `PigeonHub is a signaling hub for PeerPigeon. It needs no configuration.

Usage: pigeonhub [flags]

A setting comes from its flag, else from its environment variable, else from the file that
--config names, else from its default. The variable is the one in brackets, or PIGEONHUB_ and the
name of the flag in capitals, such as PIGEONHUB_LOG_LEVEL; an empty one counts as unset. An unknown
PIGEONHUB_ variable that looks like a secret or a limit is an error. Sizes are written 65536 or
64KiB, durations 1m30s. --flag=false switches off a setting that is on by default.
`)
	for _, section := range c.sections {
		fmt.Fprintf(w, "\n%s\n", section.title)
		for _, s := range section.settings {
			writeEntry(w, s.name+" "+s.value.meta, s.help+s.helpTail())
		}
	}
	fmt.Fprintf(w, "\nInstead of serving\n")
	for _, a := range c.actions() {
		writeEntry(w, a.name, a.help)
	}
	fmt.Fprintf(w, `
Exit codes: %d after an orderly shutdown, %d after a failure or a second signal, %d for a wrong
configuration, %d if connections had to be cut because the shutdown timeout passed.
`, exitOK, exitFailed, exitConfig, exitForced)
}

// helpTail returns the variable, if it has a name of its own, and the default.
func (s *setting) helpTail() string {
	tail := ""
	if s.env != "" {
		tail = " [" + s.env + "]"
	}
	if s.def != "" {
		tail += " (default" + glue + s.def + ")"
	}
	return tail
}

// writeEntry writes a flag and its help, in two columns.
func writeEntry(w io.Writer, flag, help string) {
	line := fmt.Sprintf("  %-*s", helpIndent-2, "--"+strings.TrimSpace(flag))
	for _, word := range strings.Split(help, " ") {
		if len(line)+1+len(word) > helpWidth {
			fmt.Fprintln(w, line)
			line = strings.Repeat(" ", helpIndent)
		}
		if len(line) > helpIndent {
			line += " "
		}
		line += strings.ReplaceAll(word, glue, " ")
	}
	fmt.Fprintln(w, line)
}

// writeConfig writes every setting, its value, and where the value comes from.
func (c *config) writeConfig(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SETTING\tVALUE\tFROM")
	for s := range c.all() {
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.name, s.shown(), s.from)
	}
	table.Flush()
}
