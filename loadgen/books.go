package loadgen

import (
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
)

// books are what a process counted since it last told. They add up: the sum of all
// books of all processes is what one process would have counted, to the last count.
type books struct {
	Times      latency.Delta      `json:"times"`
	Deliveries delivery.Counts    `json:"deliveries"`
	Scenarios  []verdict.Scenario `json:"scenarios,omitempty"`
	Errors     map[string]int     `json:"errors,omitempty"`
	Counts     counts             `json:"counts"`
	At         time.Time          `json:"at"` // by the clock of who counted
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
	deliveries delivery.Counts
}

// take returns what was counted since it was called last.
func (a *account) take() books {
	f := a.fleet
	now := counts{f.sent.Load(), f.received.Load(), f.cut.Load(), f.lives(), int64(f.size())}
	totals := f.ledger.Totals()
	b := books{At: time.Now(), Counts: now.minus(a.counts), Deliveries: totals.Minus(a.deliveries)}
	a.counts, a.deliveries = now, totals
	b.Times = f.rec.Take()
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
	f.ledger.Add(b.Deliveries)
	b.Times.Shift(time.Since(b.At)) // to the clock of this machine
	f.rec.Merge(b.Times)
	r.tally.add(b.Scenarios, b.Errors)
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
