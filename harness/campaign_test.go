package harness_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// campaignAt returns a short campaign against a target.
func campaignAt(target harness.Target, detectors ...detect.Detector) *harness.Campaign {
	scenarios := slices.DeleteFunc(harness.Scenarios(), func(s harness.Scenario) bool {
		return s.Name != "clean" && s.Name != "goodbye" && s.Name != "drop"
	})
	return &harness.Campaign{
		Name: "toy", Crowd: harness.Crowd{Target: target, Scenarios: scenarios, Seed: 5, AtOnce: 4},
		Peers: func(string) int { return 7 }, Cycles: 3, Detectors: detectors, Patience: 2 * time.Second,
		Late: time.Millisecond, // the target lets go at once
	}
}

// runCampaign returns the verdict of a campaign.
func runCampaign(t *testing.T, c *harness.Campaign) verdict.Verdict {
	t.Helper()
	run, err := c.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := verdict.Judge(run)
	if t.Failed() || testing.Verbose() {
		var b strings.Builder
		_ = report.Text(&b, v)
		t.Logf("\n%s", b.String())
	}
	return v
}

// A correct target passes. Each detector finds its planted leak, and nothing of the plants and of
// the peers is left.
func TestCampaignPasses(t *testing.T) {
	harness.GuardParallel(t.Context(), t) // not Guard, because the controls forget a file
	h := startEchoHub(t)
	c := campaignAt(h, &detect.Descriptors{}, &detect.Goroutines{}, &detect.Quiet{},
		&detect.Gauges{Target: h}, &detect.Unclosed{}, detect.NewWatch(), &detect.Timers{}, &detect.Census{Roots: h.Roots()})
	var steps []string
	c.Progress = func(s string) { steps = append(steps, s) }
	v := runCampaign(t, c)
	if v.Outcome != verdict.Pass || len(v.Controls) != len(c.Detectors) {
		t.Errorf("outcome %s, %d controls, want a pass and %d", v.Outcome, len(v.Controls), len(c.Detectors))
	}
	for _, control := range v.Controls {
		if control.Failed() || !control.Planted {
			t.Errorf("control %+v", control)
		}
	}
	want := []string{"warm-up", "controls", "baseline", "cycle 1 of 3", "cycle 2 of 3", "cycle 3 of 3", "findings"}
	steps = slices.DeleteFunc(steps, func(s string) bool { return !slices.Contains(want, s) }) // others do not matter
	if !slices.Equal(steps, want) {
		t.Errorf("steps %q, want %q", steps, want)
	}
	var planned int64
	for _, s := range v.Scenarios {
		planned += s.Planned
	}
	if planned != v.Run.Lives || len(v.Cycles) != 3 || len(v.Series) < 5 || len(v.Series[0].Points) != 4 || v.Run.Target != h.URL() {
		t.Errorf("%d of %d lives, %d cycles, %d series of %+v", v.Run.Lives, planned, len(v.Cycles), len(v.Series), v.Run)
	}
}

// A leak is found with its scenario, and the other scenarios are cleared.
func TestCampaignFindsLeak(t *testing.T) {
	h := startEchoHub(t)
	h.leaks = true
	v := runCampaign(t, campaignAt(h, &detect.Goroutines{}, &detect.Census{Roots: h.Roots()}))
	if v.Outcome != verdict.Leaking || len(v.Leaks) != 1 {
		t.Fatalf("outcome %s, %d leaks", v.Outcome, len(v.Leaks))
	}
	l := v.Leaks[0]
	if l.Class != verdict.Collection || !strings.HasSuffix(l.Field, "echoState.left") || l.Source.String() != "scenario goodbye" || l.Count != l.Peers {
		t.Errorf("%s %s %s: %d of %d", l.Class, l.Field, l.Source, l.Count, l.Peers)
	}
	if !slices.Equal(v.NotLeaking, []string{"clean", "drop"}) {
		t.Errorf("not leaking: %q", v.NotLeaking)
	}
}

// Trials attribute a leak whose size varies from peer to peer, which doses cannot. Growth is judged
// without trials, because most of them lack the leaking scenario. Peers that fail in a trial do not
// hide the leak.
func TestCampaignTriesScenarios(t *testing.T) {
	for _, tt := range []struct {
		trials int
		want   string
	}{{-1, ""}, {0, "scenario goodbye"}} {
		h := startEchoHub(t)
		h.leaks = true
		left := 0
		h.copies = func() int {
			left++
			return left*left%41 + 1
		}
		c := campaignAt(h, &detect.Goroutines{}, &detect.Census{Roots: h.Roots()})
		c.Trials = tt.trials
		var steps []string
		c.Progress = func(s string) {
			if steps = append(steps, s); s == "trial 2 of 6" {
				h.fails.Store(3)
			}
		}
		v := runCampaign(t, c)
		if v.Outcome != verdict.Leaking || len(v.Leaks) != 1 {
			t.Fatalf("%d trials: outcome %s, %d leaks", tt.trials, v.Outcome, len(v.Leaks))
		}
		if got := v.Leaks[0].Source.String(); got != tt.want {
			t.Errorf("%d trials: it comes from %q, want %q", tt.trials, got, tt.want)
		}
		tried := slices.ContainsFunc(v.Cycles, func(c verdict.Cycle) bool { return c.Trial && c.Peers() > 0 })
		if tried != (tt.trials == 0) || tried != slices.Contains(steps, "trial 6 of 6") || v.Cycles[len(v.Cycles)-1].Peers() > 0 {
			t.Errorf("%d trials: %q", tt.trials, steps)
		}
	}
}

// A target that cannot be reached does not pass, and the campaign ends.
func TestCampaignOfNobody(t *testing.T) {
	h := startEchoHub(t)
	remote, err := harness.NewRemote("ws://127.0.0.1:1") // no listener
	if err != nil {
		t.Fatal(err)
	}
	c := campaignAt(remote, &detect.Gauges{Target: h})
	if v := runCampaign(t, c); v.Outcome != verdict.Invalid || !saysInvalid(v, "no peer went through a scenario") || !saysInvalid(v, "could not be planted") || saysInvalid(v, "gauges is missing") {
		t.Errorf("%s: %+v", v.Outcome, v.Invalid)
	}
}

// A target that accepts connections and sends nothing does not block the controls.
func TestCampaignOfMute(t *testing.T) {
	ln := fixture.Listen(t, "tcp", "127.0.0.1:0") // connections stay in the backlog
	remote, err := harness.NewRemote("ws://" + ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := campaignAt(remote, &detect.Gauges{Target: startEchoHub(t)})
	c.Peers, c.Cycles, c.Crowd.AtOnce, c.Crowd.LifeLimit = func(string) int { return 1 }, 1, 20, 50*time.Millisecond
	if v := runCampaign(t, c); v.Outcome != verdict.Invalid || !saysInvalid(v, "could not be planted") {
		t.Errorf("%s: %+v", v.Outcome, v.Invalid)
	}
}

func saysInvalid(v verdict.Verdict, what string) bool {
	return slices.ContainsFunc(v.Invalid, func(r verdict.Reason) bool { return strings.Contains(r.What, what) })
}

// Run returns an error if the gauges cannot be read at the start, and if the context ends.
func TestCampaignErrors(t *testing.T) {
	h := startEchoHub(t)
	h.err = errors.New("no gauges")
	if _, err := campaignAt(h).Run(t.Context()); !errors.Is(err, h.err) {
		t.Errorf("no gauges: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c := campaignAt(startEchoHub(t))
	c.Uncontrolled = true
	c.Progress = func(s string) {
		if s == "cycle 2 of 3" {
			cancel()
		}
	}
	run, err := c.Run(ctx)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "cycle 3") {
		t.Errorf("in the middle: %v, after %d cycles", err, len(run.Cycles))
	}
}

// A campaign that ends early releases the peers that the hub has not ended.
func TestCampaignCutShortReleasesPeers(t *testing.T) {
	h := startEchoHub(t)
	c := campaignAt(h)
	c.Crowd.Scenarios = slices.DeleteFunc(harness.Patient(), func(s harness.Scenario) bool { return s.Name != "vanish" })
	c.Uncontrolled, c.Cycles, c.Patience, c.Crowd.LifeLimit = true, 2, 100*time.Millisecond, 2*time.Second
	ctx, cancel := context.WithCancel(t.Context())
	lingered := 0.0
	c.Progress = func(what string) {
		if what == "reading" {
			now, _ := h.Gauges()
			lingered = now["sessions"]
			cancel()
		}
	}
	if _, err := c.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if lingered == 0 {
		t.Error("no peer lingered")
	}
	ctx, cancel = context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := settle.Until(ctx, func() error {
		if now, _ := h.Gauges(); now["sessions"] > 0 {
			return fmt.Errorf("%v of %v peers are still there", now["sessions"], lingered)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	runtime.KeepAlive(c)
}

// absent is a detector that cannot look, and fails if it is read.
type absent struct{ *detect.Quiet }

func (absent) Name() string                                    { return "absent" }
func (absent) Off() (why, do string)                           { return "nothing is there", "install it" }
func (absent) Baseline(context.Context, *detect.Reading) error { return errors.New("it was read") }

func TestCampaignLeavesOutWhatIsOff(t *testing.T) {
	h := startEchoHub(t)
	v := runCampaign(t, campaignAt(h, &detect.Goroutines{}, absent{new(detect.Quiet)}))
	want := verdict.Detector{Name: "absent", State: verdict.Off, Why: "nothing is there", Do: "install it", Unit: "spin"}
	if got := v.Detectors[1]; got != want || v.Outcome != verdict.Pass {
		t.Errorf("outcome %s, %+v", v.Outcome, got)
	}
	if text := textOf(t, v); !strings.Contains(text, "absent: nothing is there") {
		t.Error(text)
	}
}

// A list that follows the most peers at once is longer after some cycles by chance. Further cycles
// decide that it does not leak. One that grows in most of them stays undecided.
func TestCampaignGoesOnIfUndecided(t *testing.T) {
	for _, c := range []struct {
		grows []int64 // by cycle
		want  verdict.Outcome
	}{
		{[]int64{9, 0, 9, 0, 0, 0}, verdict.Pass},
		{[]int64{9, 0, 9, 9, 0, 9}, verdict.Inconclusive},
	} {
		h := startEchoHub(t)
		campaign := campaignAt(h, &detect.Census{Roots: h.Roots()})
		campaign.Uncontrolled = true
		cycle := 0
		campaign.Progress = func(step string) {
			if step != "reading" {
				return
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			for range c.grows[cycle] {
				h.state.left = append(h.state.left, nil)
			}
			cycle++
		}
		v := runCampaign(t, campaign)
		if v.Outcome != c.want || cycle != len(c.grows) {
			t.Errorf("growth %d: outcome %s after %d cycles, want %s after %d", c.grows, v.Outcome, cycle, c.want, len(c.grows))
		}
	}
}
