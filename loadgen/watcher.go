package loadgen

import (
	"context"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// watcher follows a run: it keeps the timeline, reads the target while peers are connected,
// and calls Config.Watch. It has three goroutines, because a target may answer slowly, and the lag of the
// process is felt beside.
type watcher struct {
	r        *runner
	progress *progress
	call     func(Status) // nil if the caller does not watch

	// Owned by follow, and by end after that.
	timeline report.Timeline
	every    time.Duration // between times of the timeline
	next     time.Time
	judged   time.Time // when the thresholds were evaluated
	windows  [latency.NumHops]latency.Window
	last     marks

	mu      sync.Mutex
	latest  reading // last value of each series
	fresh   bool    // latest has a value that is not in the timeline
	stop    context.CancelFunc
	members sync.WaitGroup
}

// watchEvery is the time between two calls of Config.Watch, timelineStep that between two
// times of the timeline.
const (
	watchEvery   = 250 * time.Millisecond
	timelineStep = time.Second
	maxSeries    = 200 // of a target in the timeline
)

// marks are counts at a time, from which rates are worked out.
type marks struct {
	at                    time.Time
	lives, sent, received int64
	hops                  [latency.NumHops]int64
	connects, out, in     float64
	rates                 [latency.NumHops]float64
}

// watch starts to follow a run whose target is known.
func (r *runner) watch(ctx context.Context) *watcher {
	w := &watcher{r: r, progress: r.progress, call: r.cfg.Watch, every: timelineStep, latest: reading{}}
	w.last.at = r.fleet.base
	w.next = r.fleet.base.Add(w.every)
	ctx, w.stop = context.WithCancel(context.WithoutCancel(ctx)) // it follows the end of the run, too
	r.target.noted = w.note
	w.members.Go(func() { w.follow(ctx) })
	w.members.Go(func() { w.readTarget(ctx) })
	w.members.Go(func() { r.own.feel(ctx) })
	return w
}

// close ends the watcher.
func (w *watcher) close() {
	w.stop()
	w.members.Wait()
}

// end ends the watcher and returns the timeline.
func (w *watcher) end() report.Timeline {
	w.close()
	w.sample(time.Now())
	w.timeline.Spans = w.progress.allSpans()
	return w.timeline
}

// note takes a reading of the target.
func (w *watcher) note(values reading) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, v := range values {
		if _, known := w.latest[name]; known || len(w.latest) < maxSeries && !report.KindOf(name).Skip {
			w.latest[name] = v
			w.fresh = true
		}
	}
}

// readTarget reads the target while peers are connected. At rest the run itself reads it.
func (w *watcher) readTarget(ctx context.Context) {
	for ctx.Err() == nil {
		if pause(ctx, w.progress.read()); w.r.fleet.size() > 0 {
			_, _ = w.r.target.read(ctx, false) // a series that cannot be read is missing in the timeline
		}
	}
}

func (w *watcher) follow(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if !now.Before(w.next) {
				w.sample(now)
			}
			if now.Sub(w.judged) >= timelineStep {
				w.judged = now
				w.r.judgeCounts(w.timeline)
			}
			if w.call != nil {
				w.call(w.status(now))
			}
		}
	}
}

// sample adds a time to the timeline.
func (w *watcher) sample(now time.Time) {
	for !w.next.After(now) {
		w.next = w.next.Add(w.every)
	}
	f := w.r.fleet
	order := []string{report.ColumnConnections, report.ColumnLives, report.ColumnSent, report.ColumnReceived, report.ColumnCut, report.ColumnErrors}
	row := map[string]float64{
		report.ColumnConnections: float64(f.size()), report.ColumnLives: float64(f.lives()), report.ColumnSent: float64(f.sent.Load()),
		report.ColumnReceived: float64(f.received.Load()), report.ColumnCut: float64(f.cut.Load()), report.ColumnErrors: float64(w.r.counters.failures()),
	}
	add := func(name string, v float64) { row[name], order = v, append(order, name) }
	for h := range latency.NumHops {
		total, recent := w.windows[h].Advance(f.rec, h)
		if total == 0 {
			continue
		}
		add(report.CountPrefix+h.String(), float64(total))
		if recent.Count > 0 {
			add(report.P50Prefix+h.String(), milliseconds(recent.P50))
			add(report.P99Prefix+h.String(), milliseconds(recent.P99))
		}
	}
	if memory, processors, ok := w.r.own.sample(now); ok {
		add(report.ColumnOwnMemory, memory)
		add(report.ColumnOwnProcessors, processors)
	}
	w.mu.Lock()
	if w.fresh {
		for _, name := range slices.Sorted(maps.Keys(w.latest)) {
			add(report.TargetColumn(name), w.latest[name])
		}
	}
	w.fresh = false
	w.mu.Unlock()
	w.timeline.Add(now.Sub(f.base).Seconds(), row, order)
	if len(w.timeline.Seconds) >= report.MaxTimes {
		w.timeline.Thin()
		w.every *= 2
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// status returns the state of the run.
func (w *watcher) status(now time.Time) Status {
	f := w.r.fleet
	s := Status{
		Elapsed: now.Sub(f.base), Plan: w.r.plan.Name, Of: len(w.r.plan.Phases), Connections: f.size(), Lives: f.lives(),
		Sent: f.sent.Load(), Received: f.received.Load(), Cut: f.cut.Load(), Errors: int64(w.r.counters.failures()),
		Slip99: f.rec.Slip99(), Deliveries: f.ledger.Totals(), Measured: w.r.measuredSoFar,
	}
	w.progress.fill(&s)
	for h := range latency.NumHops {
		if b := f.rec.Brief(h); b.Count > 0 {
			s.Hops = append(s.Hops, HopStatus{Hop: h, Brief: b})
		}
	}
	w.rates(now, &s)
	w.mu.Lock()
	s.Target = report.Shown(w.latest)
	w.mu.Unlock()
	return s
}

// rates works out recent rates as a moving average with a half-life of one second.
func (w *watcher) rates(now time.Time, s *Status) {
	m := &w.last
	seconds := now.Sub(m.at).Seconds()
	if seconds <= 0 {
		return
	}
	weight := 1 - math.Exp2(-seconds)
	blend := func(rate *float64, was *int64, is int64) float64 {
		*rate += weight * (float64(is-*was)/seconds - *rate)
		*was = is
		return *rate
	}
	s.Connects = blend(&m.connects, &m.lives, s.Lives)
	s.SentRate = blend(&m.out, &m.sent, s.Sent)
	s.ReceiveRate = blend(&m.in, &m.received, s.Received)
	for i, h := range s.Hops {
		s.Hops[i].Rate = blend(&m.rates[h.Hop], &m.hops[h.Hop], h.Count)
	}
	m.at = now
}
