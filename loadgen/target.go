package loadgen

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/probe"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// target is what is tested, seen from outside.
type target struct {
	url    string
	probes []probe.Probe
	died   func() error // why its process has ended, nil if it has not or nobody knows
	start  time.Time
	pid    atomic.Int64 // of its process, if that is known; it changes with a restart

	restart      func(context.Context) (pid int, err error) // nil: we cannot
	livenessDial func(context.Context) error                // why a peer that connects has no answer; nil: nobody can
	waits        waits
	quiet        time.Duration // without a count that falls, after which it has settled

	turn  sync.Mutex    // of whoever reads: two at once would count each other
	noted func(reading) // told every reading; nil: nobody
}

// discover finds what can be read: the pages at the URL of the target and at further
// ones, and the process if its id is known. No probe at all is no error.
func discover(ctx context.Context, cfg Config) *target {
	t := &target{url: cfg.URL, died: cfg.Died, restart: cfg.Restart, start: time.Now(), waits: cfg.waits, quiet: cfg.waits.longestQuiet}
	if t.died == nil {
		t.died = func() error { return nil }
	}
	for _, base := range append([]string{cfg.URL}, cfg.Pages...) {
		found, _ := probe.Discover(ctx, base) // what is not there is said by what is
		for _, p := range found {
			t.add(p)
		}
		if p, err := probe.DiscoverPprof(ctx, base); err == nil {
			t.add(p)
		}
	}
	if t.pid.Store(int64(cfg.PID)); cfg.PID != 0 {
		t.add(probe.Probe{Name: procName, Read: t.procReader()})
	}
	return t
}

// procName is that of the probe of the process, the only one that asks the kernel, not
// the target.
const procName = "proc"

// procReader reads the process. Of another user's some cannot be read: that is no error
// if it could not be in the beginning.
func (t *target) procReader() func(context.Context) (map[string]float64, error) {
	readable, _ := probe.Proc(int(t.pid.Load())) // what is not readable is not expected
	return func(context.Context) (map[string]float64, error) {
		values, err := probe.Proc(int(t.pid.Load()))
		if len(readable) > 0 && len(values) >= len(readable) {
			err = nil
		}
		return values, err
	}
}

// add adds a probe, unless another page has the same.
func (t *target) add(p probe.Probe) {
	for _, o := range t.probes {
		if o.Name == p.Name {
			return
		}
	}
	t.probes = append(t.probes, p)
}

// names are those of the probes.
func (t *target) names() string {
	var list []string
	for _, p := range t.probes {
		list = append(list, p.Name)
	}
	return strings.Join(list, ", ")
}

// read reads all probes. Those that cost the target a collection of its garbage are
// read only if asked for, and last: a collection closes what was forgotten open.
func (t *target) read(ctx context.Context, collect bool) (reading, error) {
	t.turn.Lock()
	defer t.turn.Unlock()
	all, failed := reading{}, unread{}
	for _, last := range []bool{false, true} {
		for _, p := range t.probes {
			if costs := p.Name == "pprof"; costs != last || costs && !collect {
				continue
			}
			values, err := p.Read(ctx)
			if err != nil {
				failed[p.Name] = err
			}
			for name, v := range values {
				all[seriesName(p.Name, name)] = v
			}
		}
	}
	if t.noted != nil {
		t.noted(all)
	}
	if len(failed) > 0 {
		return all, failed
	}
	return all, nil
}

// unread are the probes that could not be read, and why.
type unread map[string]error

func (u unread) Error() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(u)) {
		list = append(list, u[name].Error())
	}
	return "read: " + strings.Join(list, "; ")
}

// miss notes the probes that a reading at rest failed for: what a run did not look at
// it cannot pass.
func miss(run *verdict.Run, err error) {
	var failed unread
	if !errors.As(err, &failed) {
		return
	}
	for i := range run.Detectors {
		d := &run.Detectors[i]
		if why := failed[d.Name]; why != nil && d.State == verdict.Ready {
			d.State, d.Why = verdict.Missing, "the target at rest could not be read: "+why.Error()
			d.Do = "see why the page does not answer in time, or answers with something else"
		}
	}
}

// seriesName puts the probe in front of a name, but for metrics, whose names say
// whose they are.
func seriesName(probe, name string) string {
	if probe == "metrics" {
		return name
	}
	return probe + "." + name
}

// alive returns an error if the process of the target has ended, or if the target does not
// answer in time.
func (t *target) alive(ctx context.Context) error {
	for end := time.Now().Add(t.waits.answer); ; {
		if err := t.died(); err != nil {
			return fmt.Errorf("the target's process has ended: %w", err)
		}
		err := t.answer(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the target does not answer any more: %w", err)
		}
		pause(ctx, pollEvery)
	}
}

// answer has the target itself answer, with a page or, if it has none, to a peer: what
// the kernel tells of a process it tells of one that hangs, too, and profiles are served
// beside a hub that does.
func (t *target) answer(ctx context.Context) error {
	t.turn.Lock()
	defer t.turn.Unlock()
	var pages, profiles []probe.Probe
	for _, p := range t.probes {
		switch p.Name {
		case procName:
		case "pprof":
			profiles = append(profiles, p)
		default:
			pages = append(pages, p)
		}
	}
	if len(pages) == 0 {
		pages = profiles
	}
	if len(pages) == 0 && len(t.probes) > 0 && t.livenessDial != nil {
		return t.livenessDial(ctx)
	}
	var err error
	for _, p := range pages {
		if _, err = p.Read(ctx); err == nil {
			return nil
		}
	}
	return err
}

// detectors are the probes as instruments of the verdict.
func (t *target) detectors() []verdict.Detector {
	var list []verdict.Detector
	for _, p := range t.probes {
		list = append(list, verdict.Detector{Name: p.Name, State: verdict.Ready, Aside: true})
	}
	return list
}

// restarted restarts the target, which is then another process.
func (t *target) restarted(ctx context.Context) error {
	pid, err := t.restart(ctx)
	if err != nil {
		return err
	}
	if pid <= 0 {
		return errors.New("it has no process id")
	}
	t.pid.Store(int64(pid))
	return nil
}
