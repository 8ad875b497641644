package regress_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/conformance"
	"github.com/pigeonhub/pigeonhub/harness/probe"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// The suite looks at a hub from outside, by the wire alone, where PIGEONHUB_URL
// names one (ws://localhost:3000). PIGEONHUB_ADMIN_URL is where else it says what it
// holds (http://localhost:6060). A hub that is not on this machine is sent hundreds
// of broken peers only with PIGEONHUB_I_OWN_THIS=1.
var (
	remoteURL = os.Getenv("PIGEONHUB_URL")
	adminURL  = os.Getenv("PIGEONHUB_ADMIN_URL")
	owned     = os.Getenv("PIGEONHUB_I_OWN_THIS") == "1"
)

// remoteFilter narrows a filter of labels to the specs that make sense: those of a
// hub somewhere else if there is one, and else the others.
func remoteFilter(filter string) string {
	if remoteURL == "" {
		return "(" + filter + ") && !remote"
	}
	return "(" + filter + ") && remote"
}

// remoteTarget is the hub to look at. Without one the spec is skipped.
func remoteTarget() harness.Target {
	GinkgoHelper()
	if remoteURL == "" {
		Skip("PIGEONHUB_URL names no hub")
	}
	u, err := url.Parse(remoteURL)
	Expect(err).NotTo(HaveOccurred())
	if !isLoopback(u.Hostname()) && !owned {
		Fail("set PIGEONHUB_I_OWN_THIS=1 if " + u.Host + " is yours: it is about to get hundreds of broken peers")
	}
	target, err := harness.NewRemote(remoteURL)
	Expect(err).NotTo(HaveOccurred())
	return target
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

var _ = Describe("a deployed hub", Serial, Label("remote"), func() {
	for _, c := range conformance.Checks() {
		It(fmt.Sprintf("conforms: %s (protocol section %s)", c.Name, c.Section), func(ctx SpecContext) {
			Expect(c.Run(ctx, remoteTarget())).To(Succeed())
		}, SpecTimeout(time.Minute))
	}

	It("holds nothing of peers that come and go", func(ctx SpecContext) {
		r := newRemoteRun(ctx, "regress, remote", harness.Scenarios())
		Expect(summary.add(r.send(ctx, 100))).To(LeakNothing())
	}, SpecTimeout(10*time.Minute))

	It("holds nothing of peers that make it wait", Label("soak"), func(ctx SpecContext) {
		r := newRemoteRun(ctx, "regress, remote, patient", slices.DeleteFunc(harness.Patient(), func(s harness.Scenario) bool {
			return s.Name == "stall" // which takes more messages than a hub lets through by default
		}))
		r.crowd.LifeLimit = 3 * time.Minute // a ping is due after 25 s, its answer after 10 more
		Expect(summary.add(r.send(ctx, 100))).To(LeakNothing())
	}, SpecTimeout(30*time.Minute))
})

// remoteRun is a run against a hub of which no more is known than what it says.
type remoteRun struct {
	crowd    harness.Crowd
	probes   []probe.Probe
	run      verdict.Run
	detector *verdict.Detector
	readings []map[string]float64
}

func newRemoteRun(ctx context.Context, name string, scenarios []harness.Scenario) *remoteRun {
	GinkgoHelper()
	seed := uint64(GinkgoRandomSeed())
	r := &remoteRun{crowd: harness.Crowd{Target: remoteTarget(), Scenarios: scenarios, Seed: seed, AtOnce: 32, LifeLimit: 30 * time.Second}}
	r.run = verdict.Run{Name: name, Target: r.crowd.Target.URL(), Seed: seed, Start: time.Now()}
	r.run.Detectors = []verdict.Detector{{Name: "gauges", State: verdict.Ready, Unit: "count"}}
	r.detector = &r.run.Detectors[0]
	var err error
	for _, base := range []string{remoteURL, adminURL} {
		if base == "" {
			continue
		}
		found, failed := probe.Discover(ctx, base)
		r.probes, err = append(r.probes, found...), errors.Join(err, failed)
	}
	if len(r.probes) == 0 || adminURL != "" && err != nil {
		r.miss(err)
	}
	return r
}

// miss says that the hub cannot be looked at: the run is then no pass.
func (r *remoteRun) miss(err error) {
	r.detector.State, r.detector.Why = verdict.Missing, err.Error()
	r.detector.Do = "let the hub answer /health beside its WebSocket, or name the listener that has /metrics by PIGEONHUB_ADMIN_URL"
}

// remoteCycles is how many doses are told apart.
const remoteCycles = 3

// send puts the peers through and returns what came of it.
func (r *remoteRun) send(ctx context.Context, mean int) verdict.Run {
	var names []string
	for _, s := range r.crowd.Scenarios {
		names = append(names, s.Name)
		r.run.Scenarios = append(r.run.Scenarios, verdict.Scenario{Name: s.Name})
	}
	r.run.Cycles = verdict.Doses(names, remoteCycles, doses(mean), r.crowd.Seed)
	r.read(ctx)
	r.cycle(ctx, 0, r.run.Cycles[0].Doses)
	for k, c := range r.run.Cycles {
		r.read(ctx)
		r.cycle(ctx, k+1, c.Doses)
	}
	r.read(ctx)
	r.conclude()
	return r.run
}

func (r *remoteRun) cycle(ctx context.Context, k int, doses map[string]int64) {
	GinkgoWriter.Println(time.Now().Format("15:04:05.000"), "cycle", k)
	arrivals := r.crowd.Send(ctx, k, doses)
	if err := arrivals.Err(); err != nil {
		GinkgoWriter.Println(err)
	}
	for i := range r.run.Scenarios {
		s := &r.run.Scenarios[i]
		s.Planned, s.Landed = s.Planned+doses[s.Name], s.Landed+arrivals.Landed[s.Name]
	}
	r.run.Lives += arrivals.Lives()
}

// held are names of what a hub holds, as the pages have them: not what it has done
// so far, nor its bounds.
var held = regexp.MustCompile(`^(\w*_)?(connections|sessions|peers|networks|memberships|hubs|subscriptions|clients|sockets|goroutines)$`)

// gauges asks the hub what it holds.
func (r *remoteRun) gauges(ctx context.Context) (map[string]float64, error) {
	all := map[string]float64{}
	for _, p := range r.probes {
		page, err := p.Read(ctx)
		if err != nil {
			return nil, err
		}
		for name, v := range page {
			if held.MatchString(name) && name != "go_goroutines" { // which counts those that answer us
				all[name+" of "+p.Name] = v
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("what the hub says of itself names no connections, peers or networks")
	}
	return all, nil
}

// How long a reading waits for the hub to be as it was at first, and how long for
// what does not change any more.
const (
	remotePatience = time.Minute
	remoteFlat     = 10 * time.Second
)

// read takes a reading once the hub is as it was, or does not change any more.
func (r *remoteRun) read(ctx context.Context) {
	if r.detector.State != verdict.Ready {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, remotePatience)
	defer cancel()
	var last map[string]float64
	since := time.Now()
	_ = settle.Until(ctx, func() error { // what is left then is for the verdict
		now, err := r.gauges(ctx)
		if err != nil {
			r.miss(err)
			return nil
		}
		if !maps.Equal(now, last) {
			last, since = now, time.Now()
		}
		if len(r.readings) == 0 || time.Since(since) >= remoteFlat {
			return nil
		}
		for name, v := range r.readings[0] {
			if now[name] > v {
				return fmt.Errorf("%s is %g, %g at first", name, now[name], v)
			}
		}
		return nil
	})
	GinkgoWriter.Println(time.Now().Format("15:04:05.000"), last)
	r.readings = append(r.readings, last)
}

// conclude compares the readings after the warm-up.
func (r *remoteRun) conclude() {
	r.run.Duration = time.Since(r.run.Start)
	if r.detector.State != verdict.Ready {
		return
	}
	first, cycles := r.readings[0], r.readings[1:]
	for _, name := range slices.Sorted(maps.Keys(first)) {
		f := verdict.Finding{Detector: "gauges", Class: verdict.Gauge, Field: name}
		s := verdict.Series{Name: name, Group: "collections", Unit: "entry"}
		for k, now := range cycles {
			s.Points = append(s.Points, verdict.Point{Cycle: k, Dose: r.dose(k), Value: now[name]})
			if k > 0 {
				f.PerCycle = append(f.PerCycle, int64(now[name]-cycles[k-1][name]))
			}
		}
		r.run.Series = append(r.run.Series, s)
		last := cycles[len(cycles)-1][name]
		f.Detail = fmt.Sprintf("%g at first, %g after the warm-up, %g in the end", first[name], cycles[0][name], last)
		if f.Count = int64(last - cycles[0][name]); f.Count > 0 {
			r.run.Findings = append(r.run.Findings, f)
		}
		if first[name] > 0 && !strings.Contains(name, "goroutines") {
			r.run.Doubts = append(r.run.Doubts, verdict.Reason{
				About: name, What: fmt.Sprintf("somebody else is there: %s was %g before anybody came", name, first[name]),
				Do: "look at a hub that nobody uses meanwhile, or have loadgen measure this one under its own load",
			})
		}
	}
}

// dose is how many peers came before the reading after a cycle.
func (r *remoteRun) dose(k int) (sum float64) {
	for _, c := range r.run.Cycles[:k] {
		for _, n := range c.Doses {
			sum += float64(n)
		}
	}
	return sum
}
