package loadgen

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/probe"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// reading is what all probes of the target read at one time, by the name of the
// series.
type reading map[string]float64

// target is what is tested, seen from outside.
type target struct {
	url    string
	probes []probe.Probe
	died   func() error // why its process has ended, nil if it has not or nobody knows
	start  time.Time
	pid    atomic.Int64 // of its process, if that is known; it changes with a restart

	restart func(context.Context) (pid int, err error) // nil: we cannot
	quiet   time.Duration                              // without a count that falls, after which it has settled

	turn  sync.Mutex    // of whoever reads: two at once would count each other
	noted func(reading) // told every reading; nil: nobody
}

// discover finds what can be read: the pages at the URL of the target and at further
// ones, and the process if its id is known. No probe at all is no error.
func discover(ctx context.Context, cfg Config) *target {
	t := &target{url: cfg.URL, died: cfg.Died, restart: cfg.Restart, start: time.Now(), quiet: longestQuiet}
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
		t.add(probe.Probe{Name: "proc", Read: func(context.Context) (map[string]float64, error) { return probe.Proc(int(t.pid.Load())) }})
	}
	return t
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
	all, errs := reading{}, []error{}
	for _, last := range []bool{false, true} {
		for _, p := range t.probes {
			if costs := p.Name == "pprof"; costs != last || costs && !collect {
				continue
			}
			values, err := p.Read(ctx)
			errs = append(errs, err)
			for name, v := range values {
				all[seriesName(p.Name, name)] = v
			}
		}
	}
	if t.noted != nil {
		t.noted(all)
	}
	if err := errors.Join(errs...); err != nil {
		return all, fmt.Errorf("read: %w", err)
	}
	return all, nil
}

// seriesName puts the probe in front of a name, but for metrics, whose names say
// whose they are.
func seriesName(probe, name string) string {
	if probe == "metrics" {
		return name
	}
	return probe + "." + name
}

// alive returns an error if the target's process has ended, or if nothing of it can
// be read for so long.
func (t *target) alive(ctx context.Context, patience time.Duration) error {
	for end := time.Now().Add(patience); ; {
		if err := t.died(); err != nil {
			return fmt.Errorf("the target's process has ended: %w", err)
		}
		values, err := t.read(ctx, false)
		if len(values) > 0 || len(t.probes) == 0 || ctx.Err() != nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the target does not answer any more: %w", err)
		}
		pause(ctx, pollEvery)
	}
}

// detectors are the probes as instruments of the verdict.
func (t *target) detectors() []verdict.Detector {
	var list []verdict.Detector
	for _, p := range t.probes {
		list = append(list, verdict.Detector{Name: p.Name, State: verdict.Ready, Aside: true})
	}
	return list
}
