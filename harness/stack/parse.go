package stack

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Parse parses a goroutine as runtime.Stack writes it: a headline, then two lines a frame, then the
// go statement.
func Parse(block string) (frames []verdict.Site, creator verdict.Site) {
	lines := strings.Split(block, "\n")
	for i := 1; i+1 < len(lines); i += 2 {
		where, isFile := strings.CutPrefix(lines[i+1], "\t")
		if !isFile { // "...additional frames elided..." is a line of its own
			i--
			continue
		}
		where, _, _ = strings.Cut(where, " +0x")
		s := verdict.Site{}
		s.File, s.Line = CutLine(where)
		if by, ok := strings.CutPrefix(lines[i], "created by "); ok {
			s.Function, _, _ = strings.Cut(by, " in goroutine ")
			return frames, s
		}
		s.Function = lines[i]
		if args := strings.LastIndexByte(s.Function, '('); args > 0 {
			s.Function = s.Function[:args]
		}
		frames = append(frames, s)
	}
	return frames, creator
}

// Key returns the lines of a stack, which are equal in the profile and in the text of stacks. It
// leaves out frames of the runtime, and those beyond the 40 that the text surely shows.
func Key(frames []verdict.Site) string {
	var b strings.Builder
	n := 0
	for _, s := range frames {
		if IsRuntime(s.Function) || s.Function == "panic" {
			continue
		}
		if n++; n > 40 {
			break
		}
		fmt.Fprintf(&b, "%s:%d\n", s.File, s.Line)
	}
	return b.String()
}

// CutLine splits "file:line".
func CutLine(s string) (file string, line int) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, 0
	}
	line, err := strconv.Atoi(s[i+1:])
	if err != nil {
		return s, 0
	}
	return s[:i], line
}
