package loadgen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/probe"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/dial"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// target is the hub under test, seen from outside.
type target struct {
	url    string
	dialer *dial.Dialer // whose options also go to pages
	seed   uint64
	probes []probe.Probe
	died   func() error // how its process ended, nil while it runs or if that is not known
	start  time.Time
	pid    atomic.Int64 // of its process, 0 if it is not known; a restart changes it

	restart      func(context.Context) (pid int, err error) // nil if only the operator can
	livenessDial func(context.Context) error                // returns why a peer that connects gets no answer; nil in workers
	waits        waits
	quiet        time.Duration // without a falling count, after which it has settled

	turn  sync.Mutex    // one reading at a time: two would count each other
	noted func(reading) // sees every reading, if set
	last  reading
	moves map[string]moves // of each series
	idle  atomic.Bool      // no peer of the run is connected, and none left just now
}

// discover finds what can be read: the pages at the URL of the target and at further URLs,
// and the process if its id is known. Finding nothing is not an error.
func discover(ctx context.Context, cfg Config) *target {
	t := &target{url: cfg.URL, dialer: cmp.Or(cfg.dialer, new(dial.Dialer)), seed: cfg.Plan.Seed, died: cfg.Died, restart: cfg.Restart, start: time.Now(), waits: cfg.waits, quiet: cfg.waits.longestQuiet}
	if t.died == nil {
		t.died = func() error { return nil }
	}
	for _, base := range append([]string{cfg.URL}, cfg.Pages...) {
		pages := t.pages(base)
		found, _ := pages.Discover(ctx, base) // a missing page has no probe
		for _, p := range found {
			t.add(p)
		}
		if p, err := pages.DiscoverPprof(ctx, base); err == nil {
			t.add(p)
		}
	}
	if t.pid.Store(int64(cfg.PID)); cfg.PID != 0 {
		t.add(probe.Probe{Name: procName, Read: t.procReader()})
	}
	return t
}

// pages returns the reader of the pages at a URL. Pages at the host and port of the target get
// what peers get, because a proxy in front of it may demand that. Others must not see secrets:
// they only share the authorities that check certificates.
func (t *target) pages(base string) probe.Client {
	target, err := url.Parse(t.url)
	page, unread := url.Parse(base)
	if err != nil || unread != nil || target.Host != page.Host || isSecure(target) && !isSecure(page) {
		return probe.Client{TLS: t.dialer.Authorities()}
	}
	return probe.Client{Header: t.dialer.Header(schedule.PeerID(t.seed, placeLiveness)), TLS: t.dialer.TLS()}
}

// isSecure reports whether a URL is one of TLS.
func isSecure(u *url.URL) bool { return u.Scheme == "wss" || u.Scheme == "https" }

// procName is the name of the probe of the process. It is the only one that asks the kernel
// instead of the target.
const procName = "proc"

// procReader returns a reader of the process. What could not be read in the beginning, as
// of a process of another user, is not an error later.
func (t *target) procReader() func(context.Context) (map[string]float64, error) {
	readable, _ := probe.Proc(int(t.pid.Load())) // a series that is not readable now is not expected later
	return func(context.Context) (map[string]float64, error) {
		values, err := probe.Proc(int(t.pid.Load()))
		if len(readable) > 0 && len(values) >= len(readable) {
			err = nil
		}
		return values, err
	}
}

// add adds a probe, unless another page has the same one.
func (t *target) add(p probe.Probe) {
	for _, o := range t.probes {
		if o.Name == p.Name {
			return
		}
	}
	read := p.Read
	p.Read = func(ctx context.Context) (map[string]float64, error) {
		ctx, cancel := context.WithTimeout(ctx, t.waits.page)
		defer cancel()
		return read(ctx)
	}
	t.probes = append(t.probes, p)
}

// names returns the names of the probes.
func (t *target) names() string {
	var list []string
	for _, p := range t.probes {
		list = append(list, p.Name)
	}
	return strings.Join(list, ", ")
}

// read reads all probes. Those that make the target collect its garbage are read only if
// collect is set, and last: a GC closes descriptors that were forgotten.
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
	t.noteMoves(all)
	if t.noted != nil {
		t.noted(all)
	}
	if len(failed) > 0 {
		return all, failed
	}
	return all, nil
}

// unread holds the probes that could not be read, each with its error.
type unread map[string]error

func (u unread) Error() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(u)) {
		list = append(list, u[name].Error())
	}
	return "read: " + strings.Join(list, "; ")
}

// miss marks the probes that a reading at rest failed for as missing. A run does not pass
// on what it did not read.
func miss(run *verdict.Run, err error) {
	var failed unread
	if !errors.As(err, &failed) {
		return
	}
	for i := range run.Detectors {
		d := &run.Detectors[i]
		if why := failed[d.Name]; why != nil && d.State == verdict.Ready {
			d.State, d.Why = verdict.Missing, "the target at rest could not be read: "+why.Error()
			d.Do = "find out why the page does not answer in time, or answers with something else"
		}
	}
}

// seriesName prefixes a name with that of the probe. Names of metrics are unique already.
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

// answer makes the target itself answer: with a page or, if it has none, to a peer. The
// kernel also answers for a process that hangs, and profiles may be served by one whose hub
// hangs.
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

// detectors returns the probes as detectors of the verdict.
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
