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

// Label sets a pprof label on the calling goroutine and returns a context that has it. The
// goroutines that it starts from now on inherit the label, and so do those that they start.
// A test can give Goroutines its own name as a label.
func Label(ctx context.Context, key, value string) context.Context {
	ctx = pprof.WithLabels(ctx, pprof.Labels(key, value))
	pprof.SetGoroutineLabels(ctx)
	return ctx
}

// goroutineGroup is an entry of the profile: goroutines with one stack and the same labels.
type goroutineGroup struct {
	count  int64
	labels map[string]string
	frames []verdict.Site // innermost first, without the innermost frames of the runtime
}

func (g *goroutineGroup) has(labels map[string]string) bool {
	for k, v := range labels {
		if g.labels[k] != v {
			return false
		}
	}
	return true
}

// goroutineReader reads goroutines and caches the frames of stacks.
type goroutineReader struct {
	records []runtime.StackRecord
	known   map[[32]uintptr][]verdict.Site
}

// read returns all goroutines, without labels. It takes about 2 us for each. The profile as
// text takes 13, the text of the stacks 12.
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

// frames returns the frames of a stack. A record has at most 32 of them, so the outermost
// frames of a deeper stack come from the profile as text.
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
		if i < 0 { // the goroutine has moved on, or is the reading one, which is elsewhere now
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
	return []verdict.Site{{Function: startingOrEnding}}
}

// readGoroutines reads a profile as text, with labels.
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

// startingOrEnding stands for the stack of a goroutine without one, because it has not run yet
// or is about to end. It counts, so that a reading waits until it does one or the other.
const startingOrEnding = "goroutine that starts or ends"

// parseGoroutines parses a profile as WriteTo(w, 1) writes it. The counts must add up to the
// total in the first line.
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
			g.frames = []verdict.Site{{Function: startingOrEnding}}
		}
	}
	return groups, nil
}

// parse adds a line that begins with #: the labels or a frame.
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

// parseLabels parses {"key":"value", ...} up to the first error.
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

// harmlessPackages start the goroutines of the runtime and of test frameworks. The running
// test is one of these.
var harmlessPackages = []string{"runtime", "testing", "os/signal", "github.com/onsi/ginkgo"}

// OfTestFramework reports whether a stack belongs to the test framework: the innermost frame
// outside of the standard library is one of its functions.
func OfTestFramework(frames []verdict.Site) bool {
	i := slices.IndexFunc(frames, func(s verdict.Site) bool { return !stack.IsStandard(s) })
	return i >= 0 && stack.InPackages(frames[i].Function, harmlessPackages)
}

// pipeTimeout runs when a deadline of a net.Pipe passes, even after the pipe was closed. It
// closes a channel and ends.
const pipeTimeout = "net.(*pipeDeadline).set.func1"

// isHarmless reports whether a goroutine never counts.
func isHarmless(frames []verdict.Site) bool {
	entry := frames[len(frames)-1].Function
	return stack.InPackages(entry, harmlessPackages) || entryOf(frames) == pipeTimeout || isLooking(frames)
}

// isLooking reports whether a goroutine is reading a profile.
func isLooking(frames []verdict.Site) bool {
	return frames[0].Function == own.readGoroutines || stack.PackageOf(frames[0].Function) == "runtime/pprof"
}

// launchers are entry functions that call a function of the code that started them.
var launchers = []string{
	"sync.(*WaitGroup).Go.func1", "time.goFunc", "golang.org/x/sync/errgroup.(*Group).Go.func1",
}

// entryOf returns the entry function of a goroutine, past launchers.
func entryOf(frames []verdict.Site) string {
	last := len(frames) - 1
	if last == 0 && slices.Contains(launchers, frames[0].Function) {
		return startingOrEnding
	}
	for last > 0 && slices.Contains(launchers, frames[last].Function) {
		last--
	}
	return frames[last].Function
}
