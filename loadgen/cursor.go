package loadgen

import (
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
)

// cursor holds what a worker has sent already, from which the next delta is worked out. It
// is not safe for concurrent use.
type cursor struct {
	fleet      *fleet
	counters   *counters
	counts     cluster.Counts
	deliveries delivery.Counts
}

// take returns what was counted since the last call.
func (a *cursor) take() cluster.Delta {
	f := a.fleet
	now := cluster.Counts{Sent: f.sent.Load(), Received: f.received.Load(), Cut: f.cut.Load(), Ignored: f.ignored.Load(), Withheld: f.withheld.Load(), Lives: f.lives(), Open: int64(f.size())}
	memory, cpu := usage()
	now.Memory, now.CPU = memory, cpu.Nanoseconds()
	totals := f.ledger.Totals()
	b := cluster.Delta{At: time.Now(), Counts: now.Minus(a.counts), Deliveries: totals.Minus(a.deliveries)}
	a.counts, a.deliveries = now, totals
	b.Times = f.rec.Take()
	b.Scenarios, b.Errors = a.counters.take()
	return b
}
