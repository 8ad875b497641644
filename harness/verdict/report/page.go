package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// page is a text of lines and columns.
type page struct {
	b     strings.Builder
	brief bool // leaks in the words of a unit test
}

// line writes a line. Peers choose some of the text, so the line is made Printable.
func (p *page) line(s string) {
	p.b.WriteString(strings.TrimRight(Printable(s), " "))
	p.b.WriteByte('\n')
}

// Printable replaces each character that could steer a terminal by a dot. It is for text that
// peers or a target chose.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}

// columns writes parts with three spaces between them, on as many lines as they need.
func (p *page) columns(parts ...string) {
	const indent = 11
	line := ""
	for _, part := range parts {
		if part == "" {
			continue
		}
		for _, piece := range wrap(part, textWidth-indent) {
			switch {
			case line == "":
				line = piece
			case utf8.RuneCountInString(line)+3+utf8.RuneCountInString(piece) > textWidth:
				p.line(line)
				line = strings.Repeat(" ", indent) + piece
			default:
				line += "   " + piece
			}
		}
	}
	p.line(line)
}

// item writes one labelled line of a leak. A long text continues on indented lines.
func (p *page) item(label, text string) {
	const indent = 11
	if text == "" {
		return
	}
	head := fmt.Sprintf("  %-8s ", label)
	for _, line := range wrap(text, textWidth-indent) {
		p.line(head + line)
		head = strings.Repeat(" ", indent)
	}
}

func (p *page) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

// spread writes a place and a function, padded so that functions stand below each other.
func spread(function, place string, width int) string {
	if place == "" {
		return function
	}
	return strings.TrimRight(fmt.Sprintf("%-*s  %s", width-4, place, function), " ")
}

// wrap cuts a text into lines at spaces. It cuts within a word only if the word is longer than
// a line.
func wrap(s string, width int) []string {
	var lines []string
	for {
		if utf8.RuneCountInString(s) <= width {
			return append(lines, s)
		}
		runes := []rune(s)
		cut := width
		for cut > width/3 && runes[cut] != ' ' {
			cut--
		}
		if runes[cut] != ' ' {
			cut = width
		}
		lines = append(lines, strings.TrimRight(string(runes[:cut]), " "))
		s = strings.TrimLeft(string(runes[cut:]), " ")
	}
}
