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

// memory reads how much memory the target takes; not a number if it does not say.
func (x *stall) memory(ctx context.Context) (bytes float64, series string) {
	now, _ := x.target.read(ctx, false) // what is not there is said by what is
	best := report.Kind{}
	for name := range now {
		if k := report.KindOf(name); k.Unit == verdict.Bytes && k.Prefer > best.Prefer {
			best, series = k, name
		}
	}
	return now.value(series), series
}

// tell notes what the flood was, and returns how many bytes were sent. Bystanders may
// still hear of ends.
func (x *stall) tell() (sent float64) {
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

// checkQueueBound says whether what the target keeps for who does not read has a bound.
func (x *stall) checkQueueBound(ctx context.Context, rose float64, series string) {
	// Who has been ended finds out when it has read the rest; others are told at once.
	waitFor(ctx, x.target.waits.delivery, func() bool { return x.gone() == len(x.stalled) })
	over := x.gone()
	x.count("stalled peers that the target ended", over, fmt.Sprintf("of %d", len(x.stalled)))
	sent := x.tell()
	due := sent - float64(len(x.stalled)*inKernels)
	if !math.IsNaN(rose) {
		x.note(report.Figure{Name: series + " rose by", Value: rose, Unit: verdict.Bytes, Text: units.Bytes(rose)})
	}
	left := len(x.stalled) - over
	if left == 0 || ctx.Err() != nil {
		return
	}
	reason := verdict.Reason{About: "stall", Do: "bound the bytes that wait for one peer, and end who has more"}
	switch {
	case due <= 0:
		reason.What = fmt.Sprintf("only %s were sent to %d peers that do not read: that says nothing of the bound", units.Bytes(sent), len(x.stalled))
		reason.Do = "raise --rate or --duration"
	case math.IsNaN(rose):
		reason.What = fmt.Sprintf("the target did not end %d of %d peers that do not read, and its memory cannot be read", left, len(x.stalled))
	case rose > due/2:
		reason.What = fmt.Sprintf("the target keeps what is sent to peers that do not read: %s rose by %s while %s were sent to %d of them",
			series, units.Bytes(rose), units.Bytes(sent), len(x.stalled))
		x.evidence.Failures = append(x.evidence.Failures, reason)
		return
	default:
		return // it threw away what there was too much of, or held the senders back
	}
	x.evidence.Doubts = append(x.evidence.Doubts, reason)
}

// checkBystanders says whether bystanders suffered.
func (x *stall) checkBystanders(before, during latency.Times) {
	slow, _ := x.DurationOf("slow") // checked with the plan
	calm, stress := before.Quantile(.99), during.Quantile(.99)
	x.took("a ping of bystanders, p99, before", calm)
	x.took("a ping of bystanders, p99, with stalled peers", stress)
	what := fmt.Sprintf("with %d peers that do not read, 1 %% of the pings of others took more than %s, and %s before", len(x.stalled), units.Duration(stress), units.Duration(calm))
	reason := verdict.Reason{About: "stall", What: what, Do: "look for what waits for a peer that does not read: a lock, the sender's reader"}
	switch over := x.over(x.bystanders); {
	case over > 0:
		reason.What = fmt.Sprintf("with %d peers that do not read, the target ended %d of %d others", len(x.stalled), over, len(x.bystanders))
		x.evidence.Failures = append(x.evidence.Failures, reason)
	case during.Count() == 0:
		reason.What = "no ping of a bystander was answered while there were peers that do not read"
		if before.Count() > 0 {
			x.evidence.Failures = append(x.evidence.Failures, reason)
		}
	case stress > slow:
		x.evidence.Failures = append(x.evidence.Failures, reason)
	case stress > 10*calm && stress > 2*report.SlipBound:
		x.evidence.Doubts = append(x.evidence.Doubts, reason)
	}
}

func (x *stall) over(peers []*Peer) (n int) {
	for _, p := range peers {
		if p.isOver() {
			n++
		}
	}
	return n
}
