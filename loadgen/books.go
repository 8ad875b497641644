package loadgen

import (
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// books are what a process counted since it last told. They add up: the sum of all
// books of all processes is what one process would have counted, to the last count.
type books struct {
	Hops       []hopBook          `json:"hops,omitempty"`
	Slip       *Times             `json:"slip,omitempty"`
	Deliveries Deliveries         `json:"deliveries"`
	Scenarios  []verdict.Scenario `json:"scenarios,omitempty"`
	Errors     map[string]int     `json:"errors,omitempty"`
	Counts     counts             `json:"counts"`
	At         time.Time          `json:"at"` // by the clock of who counted
}

// hopBook is the times of one hop.
type hopBook struct {
	Hop Hop `json:"hop"`
	HopTimes
}

func (h *hopBook) shift(d time.Duration) {
	h.First, h.Last = h.First.Add(d), h.Last.Add(d)
}

// counts are the counts of a fleet.
type counts struct {
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
	Cut      int64 `json:"cut"`
	Lives    int64 `json:"lives"`
	Open     int64 `json:"open"` // connections: more, or fewer if negative
}

func (c counts) minus(o counts) counts {
	return counts{c.Sent - o.Sent, c.Received - o.Received, c.Cut - o.Cut, c.Lives - o.Lives, c.Open - o.Open}
}

// account is what was told already, for the next books. Not for concurrent use.
type account struct {
	fleet      *fleet
	tally      *tally
	counts     counts
	deliveries Deliveries
}

// take returns what was counted since it was called last.
func (a *account) take() books {
	f := a.fleet
	now := counts{f.sent.Load(), f.received.Load(), f.cut.Load(), f.lives(), int64(f.size())}
	totals := f.ledger.Totals()
	b := books{At: time.Now(), Counts: now.minus(a.counts), Deliveries: totals.minus(a.deliveries)}
	a.counts, a.deliveries = now, totals
	b.Hops, b.Slip = f.rec.take()
	b.Scenarios, b.Errors = a.tally.take()
	return b
}

// add enters the books of another process.
func (r *runner) add(b books) {
	f := r.fleet
	f.sent.Add(b.Counts.Sent)
	f.received.Add(b.Counts.Received)
	f.cut.Add(b.Counts.Cut)
	f.mu.Lock()
	f.dialled += b.Counts.Lives
	f.elsewhere += int(b.Counts.Open)
	f.mu.Unlock()
	f.ledger.add(b.Deliveries)
	for i := range b.Hops {
		b.Hops[i].shift(time.Since(b.At)) // to the clock of this machine
	}
	f.rec.merge(b.Hops, b.Slip)
	r.tally.add(b.Scenarios, b.Errors)
}

func (d Deliveries) minus(o Deliveries) Deliveries {
	return Deliveries{
		d.Sent - o.Sent, d.Delivered - o.Delivered, d.Explained - o.Explained, d.Lost - o.Lost,
		d.Duplicated - o.Duplicated, d.Reordered - o.Reordered, d.Misrouted - o.Misrouted, d.Unexpected - o.Unexpected,
	}
}

// add enters what another ledger has.
func (l *Ledger) add(d Deliveries) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.totals.Merge(d)
}

// take returns the times that were counted, and forgets them.
func (r *Recorder) take() (hops []hopBook, slip *Times) {
	for h := range NumHops {
		r.locks[h].Lock()
		if t := &r.times.Hops[h]; t.Latency.Count() > 0 {
			hops = append(hops, hopBook{h, HopTimes{Latency: t.Latency.moved(), Service: t.Service.moved(), First: t.First, Last: t.Last}})
			t.First, t.Last = time.Time{}, time.Time{}
		}
		r.locks[h].Unlock()
	}
	r.slip.Lock()
	defer r.slip.Unlock()
	if r.times.Slip.Count() > 0 {
		moved := r.times.Slip.moved()
		slip = &moved
	}
	return hops, slip
}

// moved returns a copy of the histogram, which it empties.
func (t Times) moved() Times {
	c := Times{t.h.Clone()}
	t.h.Reset()
	return c
}

// merge enters times that another recorder counted.
func (r *Recorder) merge(hops []hopBook, slip *Times) {
	for _, h := range hops {
		r.locks[h.Hop].Lock()
		r.times.Hops[h.Hop].merge(h.HopTimes)
		r.locks[h.Hop].Unlock()
	}
	if slip != nil {
		r.slip.Lock()
		defer r.slip.Unlock()
		r.times.Slip.Merge(*slip)
	}
}

// take returns the tally, and begins a new one.
func (t *tally) take() ([]verdict.Scenario, map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list, errors := t.list, t.errors
	t.list, t.errors = nil, map[string]int{}
	return list, errors
}

// add enters another tally.
func (t *tally) add(list []verdict.Scenario, errors map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range list {
		o := t.of(s.Name)
		o.Planned += s.Planned
		o.Landed += s.Landed
	}
	for text, n := range errors {
		if _, known := t.errors[text]; !known && len(t.errors) >= maxErrors {
			text = "others"
		}
		t.errors[text] += n
	}
}

// booksEvery is how often a worker tells what it counted.
const booksEvery = 250 * time.Millisecond
