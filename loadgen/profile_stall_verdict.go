package loadgen

import (
	"context"
	"fmt"
	"math"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// memory reads how much memory the target takes. It returns NaN if the target does not
// report it.
func (x *stall) memory(ctx context.Context) (bytes float64, series string) {
	now, _ := x.target.read(ctx, false) // a probe that cannot be read has no series
	best := report.Kind{}
	for name := range now {
		if k := report.KindOf(name); k.Unit == verdict.Bytes && k.Prefer > best.Prefer {
			best, series = k, name
		}
	}
	return now.value(series), series
}

// reportFlood notes the figures of the flood, and returns how many bytes were sent.
// Bystanders may still hear of ends.
func (x *stall) reportFlood() (sent float64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range x.stalled {
		if at := x.ended[p.id]; !at.IsZero() {
			x.took("ended after", at.Sub(x.stopped))
			break
		}
	}
	sent = float64(x.sent)
	x.note(report.Figure{Name: "sent to stalled peers", Value: sent, Unit: verdict.Bytes, Text: units.Bytes(sent)})
	if x.failed > 0 {
		x.count("could not be sent", x.failed, "messages")
	}
	return sent
}

// checkQueueBound evaluates whether the queues of the target for peers that do not read are
// bounded.
func (x *stall) checkQueueBound(ctx context.Context, rose float64, series string) {
	// A stalled peer learns of its end after it has read the rest, the others by a notice.
	waitFor(ctx, x.target.waits.delivery, func() bool { return x.gone() == len(x.stalled) })
	over := x.gone()
	x.count("stalled peers that the target ended", over, fmt.Sprintf("of %d", len(x.stalled)))
	sent := x.reportFlood()
	due := sent - float64(len(x.stalled)*inKernels)
	if !math.IsNaN(rose) {
		x.note(report.Figure{Name: series + " rose by", Value: rose, Unit: verdict.Bytes, Text: units.Bytes(rose)})
	}
	left := len(x.stalled) - over
	if left == 0 || ctx.Err() != nil {
		return
	}
	reason := verdict.Reason{About: "stall", Do: "bound the bytes that wait for one peer, and end the peer beyond that"}
	switch {
	case due <= 0:
		reason.What = fmt.Sprintf("only %s were sent to %d peers that do not read, too few to reach a bound", units.Bytes(sent), len(x.stalled))
		reason.Do = "raise --rate or --duration"
	case math.IsNaN(rose):
		reason.What = fmt.Sprintf("the target did not end %d of %d peers that do not read, and its memory cannot be read", left, len(x.stalled))
	case rose > due/2:
		reason.What = fmt.Sprintf("the target keeps what is sent to peers that do not read: %s rose by %s while %s were sent to %d of them",
			series, units.Bytes(rose), units.Bytes(sent), len(x.stalled))
		x.evidence.Failures = append(x.evidence.Failures, reason)
		return
	default:
		return // it dropped messages, or slowed the senders down
	}
	x.evidence.Doubts = append(x.evidence.Doubts, reason)
}

// checkBystanders evaluates whether bystanders suffered.
func (x *stall) checkBystanders(before, during latency.Times) {
	slow, _ := x.DurationOf("slow") // checked with the plan
	calm, stress := before.Quantile(.99), during.Quantile(.99)
	x.took("a ping of bystanders, p99, before", calm)
	x.took("a ping of bystanders, p99, with stalled peers", stress)
	what := fmt.Sprintf("with %d peers that do not read, 1 %% of the pings of bystanders took more than %s, and %s before", len(x.stalled), units.Duration(stress), units.Duration(calm))
	reason := verdict.Reason{About: "stall", What: what, Do: "find out what waits for a peer that does not read: a lock, or the reader of the sender"}
	switch over := x.over(x.bystanders); {
	case over > 0:
		reason.What = fmt.Sprintf("with %d peers that do not read, the target ended %d of %d others", len(x.stalled), over, len(x.bystanders))
		x.evidence.Failures = append(x.evidence.Failures, reason)
	case during.Count() == 0:
		reason.What = "no ping of a bystander was answered while other peers did not read"
		if before.Count() > 0 {
			x.evidence.Failures = append(x.evidence.Failures, reason)
		}
	case stress > slow:
		x.evidence.Failures = append(x.evidence.Failures, reason)
	case stress > 10*calm && stress > 2*report.SlipBound:
		x.evidence.Doubts = append(x.evidence.Doubts, reason)
	}
}

// over returns how many of the peers have lost their connections.
func (x *stall) over(peers []*Peer) (n int) {
	for _, p := range peers {
		if p.isOver() {
			n++
		}
	}
	return n
}
