package loadgen

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// capacity searches for the highest load that a target holds.
type capacity struct {
	*phaseRun
	limits    []plan.Threshold // that a level must hold
	hop       latency.Hop      // of a message
	hold      time.Duration    // of a level
	rate      float64          // at which peers arrive and leave
	slipBound time.Duration    // beyond which the generator is the limit

	arrived int  // peers so far, of which each has an id of its own
	shaken  bool // the level before did not hold
	of      string
	levels  []report.Level // of the search under way
	dead    bool
}

// What a search raises.
const (
	ofPeers    = "peers"
	ofMessages = "messages a second"
)

func newCapacity(s *phaseRun) (*capacity, error) {
	c := &capacity{phaseRun: s, hop: latency.HopCandidate, slipBound: cmp.Or(s.target.waits.slip, report.SlipBound)}
	if !codec.Relays.In(s.fleet.codec) {
		c.hop = latency.HopReply
	}
	c.hold, _ = s.DurationOf("hold") // checked with the plan
	c.rate = min(s.Rate, float64(c.figure("arrive")))
	var err error
	c.limits, err = parseLimits(cmp.Or(s.Params[limitsParam], fmt.Sprintf("p99(%s)<100ms; lost==0; cut==0; errors==0", c.hop)))
	return c, err
}

// figure returns a parameter that is a whole number, checked with the plan.
func (c *capacity) figure(name string) int {
	n, _ := strconv.Atoi(c.Params[name])
	return n
}

// limitsParam is the parameter with the limits of a level.
const limitsParam = "limits"

// parseLimits reads thresholds with ; between them.
func parseLimits(text string) (list []plan.Threshold, err error) {
	for one := range strings.SplitSeq(text, ";") {
		t, err := plan.ParseThreshold(one)
		if err != nil {
			return nil, fmt.Errorf("capacity: %w", err)
		}
		if t.What.Of == plan.OfScenario || t.What.Of == plan.OfFigure || t.What.Name == "retained" {
			return nil, fmt.Errorf("capacity: threshold %s is not measured at a level of load", t)
		}
		list = append(list, t)
	}
	return list, nil
}

// IsLimit reports whether a threshold can be one of those that each level of a phase must hold:
// the phase is a search for the capacity, and the threshold is not about its result.
func IsLimit(f *plan.Phase, t plan.Threshold) bool {
	_, ok := f.Params[limitsParam]
	return ok && t.What.Of != plan.OfFigure
}

// Limit adds a threshold to the limits of a phase for which IsLimit reports true.
func Limit(f *plan.Phase, t plan.Threshold) {
	if limits := f.Params[limitsParam]; limits != "" {
		f.Params[limitsParam] = limits + "; " + t.Text
		return
	}
	f.Params[limitsParam] = t.Text
}

// run searches for the number of peers, and then for that of messages.
func (c *capacity) run(ctx context.Context) {
	find, whole := c.Params["find"], c.Duration
	if find == findBoth {
		whole /= 2
	}
	first := c.figure("first")
	if find != findMessages {
		c.search(ctx, ofPeers, whole, &search{least: 2, first: first, most: c.Peers}, func(ctx context.Context, level int) *report.Result {
			return c.load(ctx, level, float64(c.figure("trickle")))
		})
	}
	if find != findPeers && !c.dead {
		senders := min(c.figure("senders"), c.Peers)
		c.search(ctx, ofMessages, whole, &search{least: 1, first: first, most: int(c.Rate)}, func(ctx context.Context, level int) *report.Result {
			return c.load(ctx, senders, float64(level))
		})
	}
	if !c.dead {
		c.populate(ctx, 0)
	}
}

// search runs one search, and adds its result.
func (c *capacity) search(ctx context.Context, of string, whole time.Duration, s *search, load func(ctx context.Context, level int) *report.Result) {
	run := ctx
	ctx, cancel := context.WithTimeout(run, whole)
	defer cancel()
	c.of, c.levels = of, nil
	s.first, s.within = max(s.first, s.least), float64(c.figure("within"))/100
	s.try = func(level int) (grade, bool) {
		measured := load(ctx, level)
		if measured == nil || ctx.Err() != nil {
			return 0, false
		}
		g := c.enter(level, measured)
		c.shaken = g != held
		c.dead = c.shaken && c.target.alive(ctx) != nil
		return g, !c.dead
	}
	if k := s.run(); len(c.levels) > 0 || run.Err() == nil {
		c.conclude(k, s.most)
	}
}

// enter judges a level, and records it.
func (c *capacity) enter(level int, r *report.Result) grade {
	g, why := c.judge(r)
	times := r.Latencies.Hops[c.hop].Latency
	l := report.Level{Level: level, Limiter: limiters[g], Why: why, P50: times.Quantile(.5), P99: times.Quantile(.99), Slip99: r.Timing.Slip99}
	c.levels = append(c.levels, l)
	if g == held {
		why = "it held"
	}
	c.log.Info(fmt.Sprintf("%d %s", level, c.of), "outcome", why, "p99", l.P99)
	return g
}

var limiters = map[grade]report.Limiter{held: "", broke: report.ByTarget, blocked: report.ByGenerator}

// judge judges what was measured at a level. What a generator that was late measured is its own
// limit, and says nothing about the target. If its goroutines woke in time all the same, actions
// waited for those that waited for the target.
func (c *capacity) judge(r *report.Result) (g grade, why string) {
	lag := r.Generator.Lag99
	if late := r.Timing.Slip99; late > c.slipBound {
		why = fmt.Sprintf("1 %% of the actions began more than %s late", late)
		if lag != unknownLag && lag < c.slipBound/muchLess {
			return broke, why + ", because those before them waited for the target"
		}
		return blocked, why
	}
	r.Timing.Outcome = verdict.None
	if r.Withheld*100 > r.Sent {
		return broke, fmt.Sprintf("%d messages were due and not sent, because the reply to the one before had not come", r.Withheld)
	}
	for _, t := range c.limits {
		switch j := report.JudgeThreshold(t, r, &r.Verdict); j.Outcome {
		case verdict.Pass:
		case verdict.Inconclusive:
			return blocked, j.String()
		default:
			return broke, j.String()
		}
	}
	return held, ""
}

// muchLess is how many times less than the bound of lateness a lag must be to be no reason for it.
const muchLess = 10

// conclude adds the result of a search.
func (c *capacity) conclude(k knee, most int) {
	r := report.Capacity{Of: c.of, Hop: c.hop.String(), Most: most, Held: k.held, Broke: k.bad, By: report.ByBound, Levels: c.levels}
	for _, t := range c.limits {
		r.Limits = append(r.Limits, t.Text)
	}
	for _, l := range c.levels {
		if l.Level == k.bad && l.Limiter != "" {
			r.Why = l.Why
		}
	}
	switch {
	case c.dead:
		last := c.levels[len(c.levels)-1]
		r.By, r.Broke, r.Why = report.ByTarget, last.Level, "the target does not answer any more"
	case !k.over:
		r.By = report.ByTime
	case k.bad > 0:
		r.By = limiters[k.why]
	}
	*c.capacities = append(*c.capacities, r)
	c.note(report.Figure{Name: r.Of + " held", Value: float64(r.Held), Text: units.Count(r.Held)})
	if r.Broke > 0 {
		c.note(report.Figure{Name: r.Of + " that did not hold", Value: float64(r.Broke), Text: units.Count(r.Broke)})
	}
	if r.Held == 0 && !c.dead {
		c.evidence.Doubts = append(c.evidence.Doubts, verdict.Reason{About: "capacity", What: "no level held: " + r.String(),
			Do: "again with --param first=10, --param hold=10s or other --param limits"})
	}
}
