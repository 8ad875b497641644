package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// screen keeps some lines at the bottom of a terminal up to date, and writes other text
// above them. It neither hides the cursor nor changes a mode of the terminal, so a killed
// process leaves nothing but the lines. A frame is one write between the marks of a
// synchronised update, so that it does not flicker. Its methods may be called concurrently.
type screen struct {
	size   func() (width, height int)
	colour bool

	mu    sync.Mutex
	w     io.Writer
	lines []line
	drawn int // lines on the terminal
	over  bool
}

// line is a line of pieces, each with one style.
type line []piece

type piece struct {
	text  string
	style style
}

// style is a code of the terminal, such as a colour.
type style string

const (
	normal style = ""
	bold   style = "1"
	soft   style = "2"
	red    style = "31"
	green  style = "32"
	amber  style = "33"
)

const (
	beginUpdate = "\x1b[?2026h"
	endUpdate   = "\x1b[?2026l"
	clearBelow  = "\x1b[J"
	clearRight  = "\x1b[K"
)

// newScreen returns a screen for w, or nil if w is not a terminal that can show one.
func newScreen(w io.Writer, environ map[string]string) *screen {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || environ["TERM"] == "dumb" {
		return nil
	}
	return &screen{w: w, colour: environ["NO_COLOR"] == "", size: func() (int, int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil || width < 1 || height < 1 {
			return 80, 24
		}
		return width, height
	}}
}

// show replaces the lines.
func (s *screen) show(lines []line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.lines = lines
	s.drawLocked("")
}

// Write writes whole lines of text above the lines that are shown.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || len(s.lines) == 0 {
		return s.w.Write(p)
	}
	s.drawLocked(string(p))
	return len(p), nil
}

// close removes the lines from the terminal. Later text passes unchanged.
func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.lines = nil
		s.drawLocked("")
		s.over = true
	}
}

// drawLocked draws text, and then the lines, in place of the old lines. An error of the
// terminal is ignored: it must not end a run.
func (s *screen) drawLocked(text string) {
	width, height := s.size()
	var b strings.Builder
	b.WriteString(beginUpdate + "\r")
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	if text != "" {
		b.WriteString(clearBelow + text)
	}
	s.drawn = min(len(s.lines), height-1)
	for _, l := range s.lines[:s.drawn] {
		l.write(&b, width, s.colour)
		b.WriteString(clearRight + "\n")
	}
	b.WriteString(clearBelow + endUpdate)
	_, _ = io.WriteString(s.w, b.String())
}

// write writes the part of a line that fits. The last column stays free, because some
// terminals break the line there.
func (l line) write(b *strings.Builder, width int, colour bool) {
	written := 0
	for _, p := range l {
		text := report.Printable(p.text) // some of it comes from the target
		if n := utf8.RuneCountInString(text); written+n > width-1 {
			text = string([]rune(text)[:max(0, width-1-written)])
		}
		written += utf8.RuneCountInString(text)
		if colour && p.style != normal {
			text = "\x1b[" + string(p.style) + "m" + text + "\x1b[0m"
		}
		b.WriteString(text)
	}
}
