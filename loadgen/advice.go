package loadgen

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/probe"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/preflight"
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

// lookInside returns the flags with which more of a target can be read: its process and the pages
// at its other ports, if it is on this machine.
func lookInside(ctx context.Context, target string) string {
	pid, others := 0, []int(nil)
	if u, err := url.Parse(target); err == nil && preflight.IsHere(target) {
		port, _ := strconv.Atoi(u.Port()) // 0 is no port of a process
		pid, others = listener(port)
	}
	if pid == 0 {
		return "add --pid ID of a process on this machine, or --page URL of a page that counts connections"
	}
	return fmt.Sprintf("add --pid %d", pid) + pagesAt(ctx, others)
}

// pageTime bounds the search for pages at a port.
const pageTime = 2 * time.Second

// pagesAt returns the flags for the pages at ports of this machine.
func pagesAt(ctx context.Context, ports []int) (flags string) {
	for _, port := range ports {
		ctx, cancel := context.WithTimeout(ctx, pageTime)
		defer cancel()
		base := fmt.Sprintf("http://127.0.0.1:%d", port)
		if found, _ := (probe.Client{}).Discover(ctx, base); len(found) > 0 { // an error is a port without pages
			flags += " --page " + base
		}
	}
	return flags
}
