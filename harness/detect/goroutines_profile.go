package detect

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Label sets a pprof label on the calling goroutine and returns a context that
// has it. The goroutines it starts from now on inherit the label, as do theirs: a
// test that sets its own name here can have Goroutines count its own only.
func Label(ctx context.Context, key, value string) context.Context {
	ctx = pprof.WithLabels(ctx, pprof.Labels(key, value))
	pprof.SetGoroutineLabels(ctx)
	return ctx
}

// goroutineGroup is an entry of the profile: goroutines that are alike.
type goroutineGroup struct {
	count  int64
	labels map[string]string
	frames []verdict.Site // innermost first, without the runtime's innermost ones
}

func (g *goroutineGroup) has(labels map[string]string) bool {
	for k, v := range labels {
		if g.labels[k] != v {
			return false
		}
	}
	return true
}

// goroutineReader reads goroutines and remembers the stacks it has seen.
type goroutineReader struct {
	records []runtime.StackRecord
	known   map[[32]uintptr][]verdict.Site
}

// read returns the goroutines there are, without labels. It takes some 2 us for
// each, where the profile as text takes 13 and their stacks as text 12.
func (r *goroutineReader) read() ([]*goroutineGroup, error) {
	n, ok := runtime.GoroutineProfile(r.records)
	for !ok {
		r.records = make([]runtime.StackRecord, n+n/8+16)
		n, ok = runtime.GoroutineProfile(r.records)
	}
	if r.known == nil {
		r.known = map[[32]uintptr][]verdict.Site{}
	}
	byStack := map[[32]uintptr]*goroutineGroup{}
	var groups []*goroutineGroup
	for i := range r.records[:n] {
		stack := &r.records[i].Stack0
		g := byStack[*stack]
		if g == nil {
			frames, err := r.frames(stack)
			if err != nil {
				return nil, err
			}
			g = &goroutineGroup{frames: frames}
			byStack[*stack] = g
			groups = append(groups, g)
		}
		g.count++
	}
	return groups, nil
}

// frames returns the frames of a stack. A record has no more than 32: what
// a deeper one begins with is in the profile as text.
func (r *goroutineReader) frames(stack *[32]uintptr) ([]verdict.Site, error) {
	if frames := r.known[*stack]; frames != nil {
		return frames, nil
	}
	frames := resolveGoroutine(stack)
	if stack[len(stack)-1] != 0 {
		groups, err := readGoroutines("goroutine")
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(groups, func(g *goroutineGroup) bool {
			return len(g.frames) > len(frames) && slices.Equal(g.frames[:len(frames)], frames)
		})
		if i < 0 { // it has moved on, or is the reader, who stands elsewhere now
			return frames, nil
		}
		frames = groups[i].frames
	}
	r.known[*stack] = frames
	return frames, nil
}

// resolveGoroutine returns the frames of a record as the profile shows them.
func resolveGoroutine(pcs *[32]uintptr) []verdict.Site {
	depth := slices.Index(pcs[:], 0)
	if depth < 0 {
		depth = len(pcs)
	}
	var all, shown []verdict.Site
	for frames := runtime.CallersFrames(pcs[:depth]); ; {
		f, more := frames.Next()
		if f.Function != "runtime.goexit" {
			s := verdict.Site{Function: f.Function, File: f.File, Line: f.Line}
			all = append(all, s)
			if shown != nil || !stack.IsRuntime(f.Function) {
				shown = append(shown, s)
			}
		}
		if !more {
			break
		}
	}
	switch {
	case shown != nil:
		return shown
	case all != nil:
		return all
	}
	return []verdict.Site{{Function: betweenLives}}
}

// readGoroutines reads a profile as text, which has the labels.
func readGoroutines(name string) ([]*goroutineGroup, error) {
	p := pprof.Lookup(name)
	if p == nil {
		return nil, fmt.Errorf("goroutines: this program has no %s profile", name)
	}
	var b bytes.Buffer
	if err := p.WriteTo(&b, 1); err != nil {
		return nil, fmt.Errorf("goroutines: %w", err)
	}
	return parseGoroutines(b.String())
}

// betweenLives stands for the stack of goroutines that have none: those that have
// not run yet, or are about to be gone. They count, so that a reading waits for
// them to be one or the other.
const betweenLives = "goroutine that starts or ends"

// parseGoroutines parses a profile as WriteTo(w, 1) writes it. The sum of what it
// read must be the total of the first line.
func parseGoroutines(text string) ([]*goroutineGroup, error) {
	head, rest, _ := strings.Cut(text, "\n")
	_, total, ok := strings.Cut(head, " profile: total ")
	want, err := strconv.ParseInt(total, 10, 64)
	if !ok || err != nil {
		return nil, fmt.Errorf("goroutines: not a profile: %.80q", head)
	}
	var groups []*goroutineGroup
	var sum int64
	for line := range strings.Lines(rest) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
		case line[0] != '#':
			count, _, _ := strings.Cut(line, " @")
			n, err := strconv.ParseInt(count, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("goroutines: bad line in profile: %.80q", line)
			}
			groups = append(groups, &goroutineGroup{count: n})
			sum += n
		case len(groups) > 0:
			groups[len(groups)-1].parse(line)
		}
	}
	if sum != want {
		return nil, fmt.Errorf("goroutines: the profile has %d of %d", sum, want)
	}
	for _, g := range groups {
		if len(g.frames) == 0 {
			g.frames = []verdict.Site{{Function: betweenLives}}
		}
	}
	return groups, nil
}

// parse takes in a line that begins with #: the labels or a frame.
func (g *goroutineGroup) parse(line string) {
	if labels, ok := strings.CutPrefix(line, "# labels: "); ok {
		g.labels = parseLabels(labels)
		return
	}
	fields := strings.FieldsFunc(line, func(r rune) bool { return r == '\t' })
	if len(fields) < 4 { // a frame without a name is its address
		g.frames = append(g.frames, verdict.Site{Function: fields[len(fields)-1]})
		return
	}
	s := verdict.Site{Function: fields[2], File: fields[3]}
	if i := strings.LastIndex(s.Function, "+0x"); i > 0 {
		s.Function = s.Function[:i]
	}
	s.File, s.Line = stack.CutLine(s.File)
	g.frames = append(g.frames, s)
}

// parseLabels parses {"key":"value", ...}. What does not parse is no label.
func parseLabels(s string) map[string]string {
	labels := map[string]string{}
	s = strings.TrimPrefix(s, "{")
	for {
		key, rest, ok := cutQuoted(s)
		if !ok {
			return labels
		}
		value, rest, ok := cutQuoted(strings.TrimPrefix(rest, ":"))
		if !ok {
			return labels
		}
		labels[key] = value
		s = strings.TrimPrefix(rest, ", ")
	}
}

func cutQuoted(s string) (value, rest string, ok bool) {
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", false
	}
	value, err = strconv.Unquote(quoted)
	return value, s[len(quoted):], err == nil
}

// Goroutines that were started with a function of these packages are the
// runtime's and the test framework's, the running test among them.
var harmlessPackages = []string{"runtime", "testing", "os/signal", "github.com/onsi/ginkgo"}

// OfTestFramework reports whether what has this stack is the test framework's own.
func OfTestFramework(frames []verdict.Site) bool {
	i := slices.IndexFunc(frames, func(s verdict.Site) bool { return !stack.IsStandard(s) })
	return i >= 0 && stack.InPackages(frames[i].Function, harmlessPackages)
}

// pipeTimeout is what a deadline of a net.Pipe runs when it passes, also long after
// the pipe was closed: it closes a channel and ends.
const pipeTimeout = "net.(*pipeDeadline).set.func1"

// isHarmless reports whether the goroutine does not count, whoever looks.
func isHarmless(frames []verdict.Site) bool {
	entry := frames[len(frames)-1].Function
	return stack.InPackages(entry, harmlessPackages) || entryOf(frames) == pipeTimeout || isLooking(frames)
}

// isLooking reports whether the goroutine is taking a profile, as ours is.
func isLooking(frames []verdict.Site) bool {
	return frames[0].Function == own.readGoroutines || stack.PackageOf(frames[0].Function) == "runtime/pprof"
}

// launchers start the function of somebody else.
var launchers = []string{
	"sync.(*WaitGroup).Go.func1", "time.goFunc", "golang.org/x/sync/errgroup.(*Group).Go.func1",
}

// entryOf returns the function that a goroutine was started with.
func entryOf(frames []verdict.Site) string {
	last := len(frames) - 1
	if last == 0 && slices.Contains(launchers, frames[0].Function) {
		return betweenLives
	}
	for last > 0 && slices.Contains(launchers, frames[last].Function) {
		last--
	}
	return frames[last].Function
}
