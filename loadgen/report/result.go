package report

import (
	"fmt"
	"runtime"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// SlipBound bounds how late the generator may be. If one action in a hundred began later,
// the generator was saturated, and latencies describe the generator more than the target.
const SlipBound = 50 * time.Millisecond

// Timing says whether the latencies are valid.
type Timing struct {
	Outcome verdict.Outcome `json:"outcome"` // none if they are valid, or inconclusive
	Why     string          `json:"why"`
	Slip99  time.Duration   `json:"slip99"` // within which 99 % of the actions began
}

func TimingOf(slip latency.Times) Timing {
	t := Timing{Outcome: verdict.None, Slip99: slip.Quantile(0.99)}
	t.Why = fmt.Sprintf("99 %% of the actions began within %s of their time", t.Slip99)
	if t.Slip99 > SlipBound {
		t.Outcome = verdict.Inconclusive
		t.Why = fmt.Sprintf("the generator was saturated: 1 %% of the actions began more than %s late (bound %s)", t.Slip99, SlipBound)
	}
	return t
}

// Disturbed returns why a load was not the intended one.
func (r *Result) Disturbed(lives int64) []verdict.Reason {
	var list []verdict.Reason
	if r.Timing.Outcome != verdict.None {
		list = append(list, verdict.Reason{About: "latency", What: r.Timing.Why + "; it took " + r.Generator.text(runtime.GOMAXPROCS(0)), Do: r.slower()})
	}
	if r.Withheld*100 > r.Sent {
		list = append(list, verdict.Reason{About: "messages", Do: "lower --rate, or raise --peers: each peer has one message under way at a time",
			What: fmt.Sprintf("%d messages were due and not sent, because the reply to the one before had not come", r.Withheld)})
	}
	if r.Cut > 0 {
		list = append(list, r.cutReason(lives))
	}
	return list
}

// slower returns the flags of a load that this generator can make punctually.
func (r *Result) slower() string {
	rate := 0.0
	for _, f := range r.Plan.Phases {
		rate = max(rate, f.Rate)
	}
	return fmt.Sprintf("again with --rate %g, with --workers %d if this machine has further processors, or with --agents on other machines", rate/2, runtime.GOMAXPROCS(0))
}

// cutReason says how many connections were cut. If the last message of the target was not
// answered, it may have been a keep-alive: then the peers are at fault.
func (r *Result) cutReason(lives int64) verdict.Reason {
	c := verdict.Reason{About: "connections", Do: "look in the log of the target for why",
		What: fmt.Sprintf("%d of %d connections were ended by the target or the network", r.Cut, lives)}
	if r.Ignored > 0 {
		c.What += fmt.Sprintf(", %d of them after a message that no peer answers, such as %.40q", r.Ignored, r.Instead)
		c.Do = fmt.Sprintf("if that is a keep-alive, add --answer %q with the reply that the target expects", r.Instead[:min(len(r.Instead), 40)]+"=REPLY")
	}
	return c
}

// Result is the result of a run.
type Result struct {
	Schema     int                        `json:"schema"` // SchemaVersion
	Verdict    verdict.Verdict            `json:"verdict"`
	Plan       plan.Plan                  `json:"plan"`
	Hops       map[string]latency.Summary `json:"hops"` // the times of the hops that were taken, in figures
	Latencies  latency.Histograms         `json:"latencies"`
	Deliveries delivery.Counts            `json:"deliveries"`
	Timing     Timing                     `json:"timing"`
	Generator  Generator                  `json:"generator"`
	CutShort   *CutShort                  `json:"cutShort,omitempty"` // nil if the run went to its end
	Figures    []Figure                   `json:"figures,omitempty"`  // further figures of the profiles
	Capacities []Capacity                 `json:"capacities,omitempty"`
	Sent       int64                      `json:"sent"` // messages
	Received   int64                      `json:"received"`
	Cut        int64                      `json:"cut"`                // connections that the target ended, or the network
	Ignored    int64                      `json:"ignored,omitempty"`  // those of them whose last message from the target nothing answered
	Withheld   int64                      `json:"withheld,omitempty"` // messages that did not get their turn
	Instead    string                     `json:"instead,omitempty"`  // a message of the target that answers nothing, or its begin
	Errors     map[string]int             `json:"errors,omitempty"`

	Pushes []Push `json:"pushes,omitempty"` // one for each receiver; the caller of loadgen.Run adds them

	Timeline    Timeline    `json:"timeline"`
	Environment Environment `json:"environment"`
}

// Since returns the times and counts since an earlier measurement of the same run.
func (r *Result) Since(o *Result) Result {
	d := Result{
		Plan: r.Plan, Latencies: r.Latencies.Since(o.Latencies), Deliveries: r.Deliveries.Minus(o.Deliveries),
		Sent: r.Sent - o.Sent, Received: r.Received - o.Received, Cut: r.Cut - o.Cut, Ignored: r.Ignored - o.Ignored,
		Withheld: r.Withheld - o.Withheld, Instead: r.Instead, Errors: map[string]int{},
	}
	for text, n := range r.Errors {
		if n -= o.Errors[text]; n > 0 {
			d.Errors[text] = n
		}
	}
	d.Verdict.Run.Lives = r.Verdict.Run.Lives - o.Verdict.Run.Lives
	d.Timing = TimingOf(d.Latencies.Slip)
	return d
}
