package regress_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"github.com/pigeonhub/pigeonhub/harness/probe"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// programReading is what a process holds, read from outside.
type programReading struct {
	objects    map[verdict.Site]int64 // by the line that allocates them
	goroutines map[verdict.Site]int64 // by the line of our code that is outermost in the stack
	gauges     map[string]float64     // what the hub counts, and its descriptors
}

// readProgram reads a process at rest: it waits until nothing falls any more below what it
// was at first, if that is known.
func readProgram(ctx context.Context, p *program, first *programReading) (*programReading, error) {
	var now *programReading
	err := settle.Flat(ctx, programWait/3, func() (left int64, err error) {
		if now, err = lightReading(ctx, p); err != nil || first == nil {
			return 1, err // flat is enough
		}
		for name, v := range now.gauges {
			left += max(0, int64(v-first.gauges[name]))
		}
		for at, n := range now.goroutines {
			left += max(0, n-first.goroutines[at])
		}
		return left, nil
	})
	if err != nil {
		return nil, err
	}
	// A pool keeps what it has over one collection.
	for range 3 {
		if now.objects, err = countStacks(ctx, p.admin+"/debug/pprof/heap?gc=1", "inuse_objects", innermost); err != nil {
			return nil, err
		}
	}
	return now, nil
}

// lightReading is a reading without objects.
func lightReading(ctx context.Context, p *program) (*programReading, error) {
	r := &programReading{gauges: map[string]float64{}}
	page, err := probe.Metrics(ctx, p.admin+"/metrics")
	if err != nil {
		return nil, err
	}
	for name, v := range page {
		if held.MatchString(name) && name != "go_goroutines" {
			r.gauges[name] = v
		}
	}
	if open, err := os.ReadDir(filepath.Join("/proc", fmt.Sprint(p.cmd.Process.Pid), "fd")); err == nil {
		r.gauges["descriptors"] = float64(len(open))
	}
	r.goroutines, err = countStacks(ctx, p.admin+"/debug/pprof/goroutine", "goroutine", outermost)
	return r, err
}

// countStacks reads a profile and adds up a value of it by a place of each stack. Stacks
// that serve the profile itself do not count.
func countStacks(ctx context.Context, url, value string, place func([]verdict.Site) (verdict.Site, bool)) (map[verdict.Site]int64, error) {
	prof, err := fetchProfile(ctx, url)
	if err != nil {
		return nil, err
	}
	index := slices.IndexFunc(prof.SampleType, func(t *profile.ValueType) bool { return t.Type == value })
	if index < 0 {
		return nil, fmt.Errorf("%s has no %s", url, value)
	}
	counts := map[verdict.Site]int64{}
	for _, s := range prof.Sample {
		stack := stackOf(s)
		if slices.ContainsFunc(stack, func(at verdict.Site) bool { return strings.HasPrefix(at.Function, "net/http/pprof.") }) {
			continue
		}
		if at, ok := place(stack); ok {
			counts[at] += s.Value[index]
		}
	}
	return counts, nil
}

func fetchProfile(ctx context.Context, url string) (*profile.Profile, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // no connection is to stay
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 200))
		return nil, fmt.Errorf("%s: %s: %s", url, res.Status, text)
	}
	return profile.Parse(res.Body)
}

// stackOf is the stack of a sample, the innermost frame first.
func stackOf(s *profile.Sample) (stack []verdict.Site) {
	for _, l := range s.Location {
		for _, line := range l.Line {
			stack = append(stack, verdict.Site{Function: line.Function.Name, File: line.Function.Filename, Line: int(line.Line)})
		}
	}
	return stack
}

// isOurs reports whether a frame is the hub's.
func isOurs(at verdict.Site) bool {
	return strings.HasPrefix(at.Function, "main.") || strings.HasPrefix(at.Function, "github.com/pigeonhub/pigeonhub/")
}

// innermost is the line of ours that allocates.
func innermost(stack []verdict.Site) (verdict.Site, bool) {
	if i := slices.IndexFunc(stack, isOurs); i >= 0 {
		return stack[i], true
	}
	return verdict.Site{}, false
}

// outermost is where a goroutine began: the outermost frame of ours, or else of the stack.
func outermost(stack []verdict.Site) (verdict.Site, bool) {
	for _, at := range slices.Backward(stack) {
		if isOurs(at) {
			return verdict.Site{Function: at.Function, File: at.File}, true
		}
	}
	if len(stack) == 0 {
		return verdict.Site{}, false
	}
	last := stack[len(stack)-1]
	return verdict.Site{Function: last.Function, File: last.File}, true
}

// programFindings compares readings: the first is the baseline, one follows each cycle.
func programFindings(readings []*programReading) (found []verdict.Finding) {
	grow := func(f verdict.Finding, at func(*programReading) int64, ok func([]int64) bool) {
		for k := range readings[1:] {
			f.PerCycle = append(f.PerCycle, at(readings[k+1])-at(readings[k]))
			f.Count += f.PerCycle[k]
		}
		if ok(f.PerCycle) {
			found = append(found, f)
		}
	}
	last := readings[len(readings)-1]
	for at := range last.objects {
		grow(verdict.Finding{Detector: "sites", Class: verdict.Object, Born: at}, func(r *programReading) int64 { return r.objects[at] }, growsInEach)
	}
	for at := range last.goroutines {
		grow(verdict.Finding{Detector: "goroutines", Class: verdict.Goroutine, Born: at}, func(r *programReading) int64 { return r.goroutines[at] }, staysMore)
	}
	for name := range last.gauges {
		class, detector := verdict.Gauge, "gauges"
		if name == "descriptors" {
			class, detector = verdict.Descriptor, name
		}
		grow(verdict.Finding{Detector: detector, Class: class, Field: name}, func(r *programReading) int64 { return int64(r.gauges[name]) }, staysMore)
	}
	return found
}

// growsInEach is the rule for objects: at least 3 more in each cycle, and no cycle is far
// below the mean.
func growsInEach(perCycle []int64) bool {
	sum := int64(0)
	for _, n := range perCycle {
		sum += n
	}
	least := slices.Min(perCycle)
	return least >= 3 && 4*least*int64(len(perCycle)) >= sum
}

// staysMore is the rule for what is counted exactly at rest: none has gone, and there are
// more in the second half, too.
func staysMore(perCycle []int64) bool {
	late := int64(0)
	for _, n := range perCycle[len(perCycle)/2:] {
		late += n
	}
	return slices.Min(perCycle) >= 0 && late > 0
}
