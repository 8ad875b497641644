package loadgen

import (
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
)

// cursor is what was told already, for the next books. Not for concurrent use.
type cursor struct {
	fleet      *fleet
	counters   *counters
	counts     cluster.Counts
	deliveries delivery.Counts
}

// take returns what was counted since it was called last.
func (a *cursor) take() cluster.Books {
	f := a.fleet
	now := cluster.Counts{Sent: f.sent.Load(), Received: f.received.Load(), Cut: f.cut.Load(), Lives: f.lives(), Open: int64(f.size())}
	totals := f.ledger.Totals()
	b := cluster.Books{At: time.Now(), Counts: now.Minus(a.counts), Deliveries: totals.Minus(a.deliveries)}
	a.counts, a.deliveries = now, totals
	b.Times = f.rec.Take()
	b.Scenarios, b.Errors = a.counters.take()
	return b
}

// add enters the books of another process.
func (r *runner) add(b cluster.Books) {
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
	r.counters.add(b.Scenarios, b.Errors)
}

// take returns the counters, and begins a new one.
func (t *counters) take() ([]verdict.Scenario, map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list, errors := t.list, t.errors
	t.list, t.errors = nil, map[string]int{}
	return list, errors
}

// add enters another counters.
func (t *counters) add(list []verdict.Scenario, errors map[string]int) {
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
