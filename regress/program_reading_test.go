package regress_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"os"
	"path/filepath"
	runtimepprof "runtime/pprof"
	"slices"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/pigeonhub/pigeonhub/harness/probe"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// programReading is what a process holds, read from outside.
type programReading struct {
	objects    map[verdict.Site]int64          // by the line that allocates them
	stacks     map[verdict.Site][]verdict.Site // that allocates most in such a line
	goroutines map[verdict.Site]int64          // by the outermost function of the hub in the stack
	gauges     map[string]float64              // the hub's metrics, and the number of descriptors
	profiles   int64                           // requests for profiles that the reading took
}

// readProgram reads a process when it is at rest: when its excess over first no longer falls.
// Without first, any reading counts.
func readProgram(ctx context.Context, p *program, first *programReading) (*programReading, error) {
	var now *programReading
	profiles := int64(0)
	err := settle.Flat(ctx, programWait/3, func() (left int64, err error) {
		profiles++
		if now, err = lightReading(ctx, p); err != nil || first == nil {
			return 1, err // there is nothing to compare with: settle.Flat waits until 1 stays 1
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
	// A sync.Pool releases an object only at the second GC without use.
	for range 3 {
		if now.objects, now.stacks, err = countStacks(ctx, p.admin+"/debug/pprof/heap?gc=1", "inuse_objects", innermost); err != nil {
			return nil, err
		}
		profiles++
	}
	now.profiles = profiles
	return now, nil
}

// lightReading reads the process without its objects, which take a GC.
func lightReading(ctx context.Context, p *program) (*programReading, error) {
	r := &programReading{gauges: map[string]float64{}}
	page, err := probe.Client{}.Metrics(ctx, p.admin+"/metrics")
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
	r.goroutines, _, err = countStacks(ctx, p.admin+"/debug/pprof/goroutine", "goroutine", outermost)
	return r, err
}

// countStacks reads a profile and sums a sample value by the place of each stack, of which it
// returns the most frequent one of each place. It ignores the stacks that serve the profile itself,
// and goroutines that read ahead for a request: the profile's own has one, too, and one that serves
// a request counts itself.
func countStacks(
	ctx context.Context, url, value string, place func([]verdict.Site) (verdict.Site, bool),
) (counts map[verdict.Site]int64, stacks map[verdict.Site][]verdict.Site, err error) {
	prof, err := fetchProfile(ctx, url)
	if err != nil {
		return nil, nil, err
	}
	index := slices.IndexFunc(prof.SampleType, func(t *profile.ValueType) bool { return t.Type == value })
	if index < 0 {
		return nil, nil, fmt.Errorf("%s has no %s", url, value)
	}
	counts, stacks = map[verdict.Site]int64{}, map[verdict.Site][]verdict.Site{}
	most := map[verdict.Site]int64{}
	for _, s := range prof.Sample {
		frames := stackOf(s)
		if slices.ContainsFunc(frames, func(at verdict.Site) bool {
			return strings.HasPrefix(at.Function, "net/http/pprof.") || at.Function == readsAhead
		}) {
			continue
		}
		if at, ok := place(frames); ok {
			n := s.Value[index]
			counts[at] += n
			if n > most[at] {
				most[at], stacks[at] = n, frames
			}
		}
	}
	return counts, stacks, nil
}

// readsAhead learns that a client closes its connection while its request is served.
const readsAhead = "net/http.(*connReader).backgroundRead"

func fetchProfile(ctx context.Context, url string) (*profile.Profile, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // a connection that is kept alive would be counted
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

// stackOf returns the stack of a sample, innermost frame first.
func stackOf(s *profile.Sample) (stack []verdict.Site) {
	for _, l := range s.Location {
		for _, line := range l.Line {
			stack = append(stack, verdict.Site{Function: line.Function.Name, File: line.Function.Filename, Line: int(line.Line)})
		}
	}
	return stack
}

// isOurs reports whether a frame is in the hub or its program.
func isOurs(at verdict.Site) bool {
	return strings.HasPrefix(at.Function, "main.") || strings.HasPrefix(at.Function, "github.com/pigeonhub/pigeonhub/")
}

// innermost returns the innermost frame of the hub.
func innermost(stack []verdict.Site) (verdict.Site, bool) {
	if i := slices.IndexFunc(stack, isOurs); i >= 0 {
		return stack[i], true
	}
	return verdict.Site{}, false
}

// outermost returns the function in which a goroutine began: the outermost frame of the hub, or
// of the stack if there is none.
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

// programFindings compares the readings of all cycles. The first is the baseline.
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
		f := verdict.Finding{Detector: "sites", Class: verdict.Object, Born: at, Detail: stack.Text(last.stacks[at])}
		grow(f, func(r *programReading) int64 { return r.objects[at] }, growsEachCycle)
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

// growsEachCycle is the rule for objects: each cycle adds at least 3, and at least a quarter of
// the mean.
func growsEachCycle(perCycle []int64) bool {
	sum := int64(0)
	for _, n := range perCycle {
		sum += n
	}
	least := slices.Min(perCycle)
	return least >= 3 && 4*least*int64(len(perCycle)) >= sum
}

// staysMore is the rule for exact counts: no cycle has fewer than the one before, and the second
// half of the cycles adds some.
func staysMore(perCycle []int64) bool {
	late := int64(0)
	for _, n := range perCycle[len(perCycle)/2:] {
		late += n
	}
	return slices.Min(perCycle) >= 0 && late > 0
}

// What a function retains, and what another one allocates for it, is one leak: their findings have
// the stacks that show who calls whom.
func TestProgramFindingsOfCaller(t *testing.T) {
	made := verdict.Site{Function: "admin.encode", File: "health.go", Line: 106}
	kept := verdict.Site{Function: "admin.(*public).health", File: "health.go", Line: 66}
	var readings []*programReading
	for _, n := range []int64{0, 39, 80, 120} {
		readings = append(readings, &programReading{
			objects: map[verdict.Site]int64{made: n, kept: 10*n/3 + n%2},
			stacks: map[verdict.Site][]verdict.Site{
				made: {made, {Function: kept.Function, File: kept.File, Line: 56}}, kept: {kept},
			},
		})
	}
	run := verdict.Run{Findings: programFindings(readings)}
	if v := verdict.Judge(run); len(v.Leaks)+len(v.Doubtful) != 1 {
		t.Errorf("%d leaks: %+v", len(v.Leaks)+len(v.Doubtful), run.Findings)
	}
}

// The goroutine that reads ahead of the request for a profile starts and ends beside the profile.
func TestProgramReadingLacksItsOwnRequest(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started, cancel := context.WithTimeout(r.Context(), programWait)
		defer cancel()
		if err := settle.Until(started, func() error { return holds(readsAhead) }); err != nil {
			t.Error(err)
		}
		pprof.Handler("goroutine").ServeHTTP(w, r)
	}))
	defer server.Close()
	counts, _, err := countStacks(t.Context(), server.URL, "goroutine", outermost)
	if err != nil {
		t.Fatal(err)
	}
	for at, n := range counts {
		if at.Function == readsAhead {
			t.Errorf("%d goroutines of %s", n, at.Function)
		}
	}
}

// holds returns an error unless a goroutine of this process is in the function.
func holds(function string) error {
	var b strings.Builder
	if err := runtimepprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return err
	}
	if !strings.Contains(b.String(), function) {
		return fmt.Errorf("no goroutine is in %s", function)
	}
	return nil
}
