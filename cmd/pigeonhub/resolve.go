package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// fromDefault is setting.from of a setting that was not given.
const fromDefault = "default"

// resolve gives every setting its value: from the flag, else the environment variable,
// else the configuration file, else the default. It returns all problems, not only the
// first.
func (c *config) resolve(args []string) (problems []error) {
	c.args = args
	flags := pflag.NewFlagSet("pigeonhub", pflag.ContinueOnError)
	flags.Usage = func() {} // run calls writeHelp
	for _, a := range c.actions() {
		flags.BoolVarP(a.wanted, a.name, a.shorthand, false, a.help)
	}
	for s := range c.all() {
		// Flags only store the text, because pflag stops at the first error.
		f := flags.VarPF(&given{list: s.list}, s.name, "", s.help)
		if s.value.meta == "" {
			f.NoOptDefVal = "true"
		}
	}
	if err := flags.Parse(args); err != nil {
		problems = append(problems, err)
	}
	for _, arg := range flags.Args() {
		problems = append(problems, fmt.Errorf("unexpected argument %.50q", arg))
	}
	var values map[string]fileValue
	for s := range c.all() {
		if err := s.resolve(flags.Lookup(s.name), c.environ, values); err != nil {
			problems = append(problems, err)
		} else if s.name == "config" { // the first one
			var wrong []error
			values, wrong = c.readFile()
			problems = append(problems, wrong...)
		}
	}
	return append(problems, c.misspelled()...)
}

func (s *setting) resolve(flag *pflag.Flag, environ map[string]string, values map[string]fileValue) error {
	s.text, s.from = s.def, fromDefault
	called := ""
	if v, ok := values[s.name]; ok {
		s.text, s.from, called = v.text, v.from, ": "+s.name
	}
	for _, name := range []string{s.ours(), s.variable()} { // the last one that is set counts
		if environ[name] != "" && (name == s.variable() || !fromKubernetes(name)) {
			s.text, s.from, called = environ[name], name, ""
		}
	}
	if flag.Changed {
		s.text, s.from, called = strings.TrimSpace(flag.Value.String()), "--"+s.name, ""
	}
	if s.from == fromDefault && s.text == "" || s.value.set(s.text) {
		return nil
	}
	was := fmt.Sprintf("%.100q", s.text)
	if s.secret {
		was = s.shown()
	}
	return fmt.Errorf("%s%s is %s, must be %s", s.from, called, was, s.value.allowed)
}

// shown returns the value for output. A secret is not shown.
func (s *setting) shown() string {
	switch {
	case s.text == "":
		return "-"
	case s.secret:
		return "(secret)"
	case strings.ContainsFunc(s.text, func(r rune) bool { return !strconv.IsPrint(r) }):
		return strconv.Quote(s.text)
	}
	return s.text
}

// given is the text of a flag. A list that is given twice has both values. Otherwise the
// last one counts.
type given struct {
	text string
	list bool
	set  bool
}

func (g *given) String() string { return g.text }
func (g *given) Type() string   { return "" }
func (g *given) Set(text string) error {
	if g.list && g.set {
		text = g.text + "," + text
	}
	g.text, g.set = text, true
	return nil
}
