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
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// The environment variables of a run against a running hub. PIGEONHUB_URL is its WebSocket URL
// (ws://localhost:3000), PIGEONHUB_ADMIN_URL its admin listener, if that has the metrics
// (http://localhost:6060). A hub on another machine needs PIGEONHUB_I_OWN_THIS=1, because the
// suite sends it hundreds of broken peers.
var (
	remoteURL = os.Getenv("PIGEONHUB_URL")
	adminURL  = os.Getenv("PIGEONHUB_ADMIN_URL")
	owned     = os.Getenv("PIGEONHUB_I_OWN_THIS") == "1"
)

// remoteFilter narrows a label filter to the specs labelled remote if PIGEONHUB_URL is set, and
// to all others if it is not.
func remoteFilter(filter string) string {
	if remoteURL == "" {
		return "(" + filter + ") && !remote"
	}
	return "(" + filter + ") && remote"
}

// remoteTarget returns the hub of PIGEONHUB_URL, and skips the spec if that is not set.
func remoteTarget() harness.Target {
	GinkgoHelper()
	if remoteURL == "" {
		Skip("PIGEONHUB_URL is not set")
	}
	target, err := harness.NewRemote(remoteURL)
	Expect(err).NotTo(HaveOccurred())
	return target
}

// reachRemote returns an error if the specs may not be run on the hub of PIGEONHUB_URL, or if it
// does not greet a peer.
func reachRemote(ctx context.Context) error {
	u, err := url.Parse(remoteURL)
	if err != nil {
		return fmt.Errorf("PIGEONHUB_URL: %w", err)
	}
	if !isLoopback(u.Hostname()) && !owned {
		return fmt.Errorf("the specs send hundreds of broken peers to %s: set PIGEONHUB_I_OWN_THIS=1 if it is yours", u.Host)
	}
	target, err := harness.NewRemote(remoteURL)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	p := harness.NewPeer(target, "the first peer", wire.NewPeerID())
	if err := p.Connect(ctx); err != nil {
		return fmt.Errorf("no hub at PIGEONHUB_URL=%s: %w", remoteURL, err)
	}
	return p.Reset()
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

	It("retains nothing of peers that connect and leave", func(ctx SpecContext) {
		r := newRemoteRun(ctx, "regress, remote", harness.Scenarios())
		Expect(summary.add(r.send(ctx, 100))).To(LeakNothing())
	}, SpecTimeout(10*time.Minute))

	It("retains nothing of peers that run into its timeouts", Label("soak"), func(ctx SpecContext) {
		r := newRemoteRun(ctx, "regress, remote, patient", slices.DeleteFunc(harness.Patient(), func(s harness.Scenario) bool {
			return s.Name == "stall" // it needs more messages than the default rate limit allows
		}))
		r.crowd.LifeLimit = 3 * time.Minute // the default ping interval is 25 s, and the pong is due 10 s later
		Expect(summary.add(r.send(ctx, 100))).To(LeakNothing())
	}, SpecTimeout(30*time.Minute))
})

// remoteRun is a run against a hub that is read only through its pages.
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
		found, failed := probe.Client{}.Discover(ctx, base)
		r.probes, err = append(r.probes, found...), errors.Join(err, failed)
	}
	if len(r.probes) == 0 || adminURL != "" && err != nil {
		r.markMissing(err)
	}
	return r
}

// markMissing records that the hub cannot be read, which makes the run invalid.
func (r *remoteRun) markMissing(err error) {
	r.detector.State, r.detector.Why = verdict.Missing, err.Error()
	r.detector.Do = "serve /health on the WebSocket port, or set PIGEONHUB_ADMIN_URL to the listener that has /metrics"
}

// remoteCycles is the number of cycles after the warm-up.
const remoteCycles = 3

// send sends the peers of each cycle, reads the hub after it, and returns the run.
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

// held matches the names of figures of what a hub holds now, but no totals and no limits.
var held = regexp.MustCompile(`^(\w*_)?(connections|sessions|peers|networks|memberships|hubs|subscriptions|clients|sockets|goroutines)$`)

// gauges reads what the hub holds from its pages.
func (r *remoteRun) gauges(ctx context.Context) (map[string]float64, error) {
	all := map[string]float64{}
	for _, p := range r.probes {
		page, err := p.Read(ctx)
		if err != nil {
			return nil, err
		}
		for name, v := range page {
			if held.MatchString(name) && name != "go_goroutines" { // it includes the goroutines that serve this request
				all[name+" of "+p.Name] = v
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("the pages of the hub report no connections, peers or networks")
	}
	return all, nil
}

// The bounds of the wait for a reading.
const (
	remotePatience = time.Minute      // at most
	remoteFlat     = 10 * time.Second // without a change
)

// read takes a reading when the hub holds no more than at first, or when its gauges have not
// changed for remoteFlat.
func (r *remoteRun) read(ctx context.Context) {
	if r.detector.State != verdict.Ready {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, remotePatience)
	defer cancel()
	var last map[string]float64
	since := time.Now()
	_ = settle.Until(ctx, func() error { // at the end of ctx, the verdict judges what is left
		now, err := r.gauges(ctx)
		if err != nil {
			r.markMissing(err)
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
				return fmt.Errorf("%s is %g, was %g at first", name, now[name], v)
			}
		}
		return nil
	})
	GinkgoWriter.Println(time.Now().Format("15:04:05.000"), last)
	r.readings = append(r.readings, last)
}

// conclude compares the readings after the warm-up and adds findings and doubts to the run.
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
		f.Detail = fmt.Sprintf("%g at first, %g after the warm-up, %g at the end", first[name], cycles[0][name], last)
		if f.Count = int64(last - cycles[0][name]); f.Count > 0 {
			r.run.Findings = append(r.run.Findings, f)
		}
		if first[name] > 0 && !strings.Contains(name, "goroutines") {
			r.run.Doubts = append(r.run.Doubts, verdict.Reason{
				About: name, What: fmt.Sprintf("the hub has other clients: %s was %g before the first peer of this run", name, first[name]),
				Do: "run the suite against a hub without other clients, or run loadgen, which allows for them",
			})
		}
	}
}

// dose returns the number of peers of the first k cycles after the warm-up.
func (r *remoteRun) dose(k int) (sum float64) {
	for _, c := range r.run.Cycles[:k] {
		for _, n := range c.Doses {
			sum += float64(n)
		}
	}
	return sum
}
