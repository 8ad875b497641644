package loadgen

import (
	"fmt"
	"math"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// advisedTime is the time that an advised check may take before its rate is raised. advisedRate
// bounds the rate that is advised.
const (
	advisedTime = 4 * time.Minute
	advisedRate = 2000.0
)

// advise adds to each undecided series the flags that decide it, with the time that takes.
func (e *experiment) advise() {
	for i := range e.trends {
		if t := &e.trends[i]; t.Outcome == verdict.Inconclusive {
			t.Again = e.again(t)
		}
	}
}

// again returns the flags that decide a series: of a soak a longer duration, of a check more
// peers, or as many again if it is not known how many.
func (e *experiment) again(t *verdict.Trend) string {
	more := t.More
	if more <= 0 {
		more = t.Peers
	}
	peers := float64(t.Peers + more)
	if e.lasting {
		d := time.Duration(float64(e.Duration) * peers / float64(max(1, t.Peers)))
		return fmt.Sprintf("--duration %s", d.Round(time.Minute))
	}
	resting := time.Duration(e.pairs) * (pairTime(&e.Phase, 0) + e.restOf(0))
	rate := e.Rate
	if need := math.Ceil(peers / advisedTime.Seconds()); need > rate {
		rate = min(need, max(advisedRate, rate))
	}
	took := time.Duration(peers/rate*float64(time.Second)) + resting
	flags := fmt.Sprintf("--peers %.0f --rate %g", peers, rate)
	if took > e.Duration/2 { // to be sure that it suffices
		flags += fmt.Sprintf(" --duration %s", (2 * took).Round(time.Minute))
	}
	return fmt.Sprintf("%s (about %.0f min)", flags, math.Ceil(took.Minutes()))
}
