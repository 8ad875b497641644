package report

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// world is what a run is made of in these tests.
type world struct {
	scale    float64 // of all times
	tail     float64 // of the slowest 2 %
	wander   float64 // by how much a second's times differ from those of the whole run, as a standard deviation
	seconds  int
	each     int // offers a second
	lost     int64
	rss      float64
	retained float64
	leak     verdict.Outcome
}

func clean() world {
	return world{scale: 1, tail: 1, seconds: 40, each: 500, rss: 50e6, leak: verdict.None}
}

// run makes a result of a world. Two with different seeds are two runs of the same.
func (w world) run(t *testing.T, seed uint64) Result {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	planned := plan.Plan{Name: "signal", Phases: []plan.Phase{{Profile: "signal", Peers: 200, Rate: 50, Duration: 10 * time.Second, Networks: 20}}}
	rec, win := latency.NewRecorder(), latency.Window{}
	r := Result{Plan: planned, Timing: Timing{Outcome: verdict.None}, Environment: EnvironmentOf("")}
	base := time.Unix(1e6, 0)
	for s := range w.seconds {
		wander := math.Exp(rng.NormFloat64() * w.wander)
		for i := range w.each {
			millis := w.scale * wander * math.Exp(rng.NormFloat64()*.5)
			if rng.Float64() < .02 {
				millis *= 8 * w.tail
			}
			end := base.Add(time.Duration(s)*time.Second + time.Duration(i)*time.Second/time.Duration(w.each))
			start := end.Add(-time.Duration(millis * float64(time.Millisecond)))
			rec.AddUntil(latency.HopOffer, schedule.At(start), end)
		}
		_, q := win.Advance(rec, latency.HopOffer)
		r.Timeline.Add(float64(s+1), map[string]float64{"p50 offer": q.P50.Seconds() * 1000, "p99 offer": q.P99.Seconds() * 1000, TargetColumn("proc.rss_bytes"): w.rss * (.98 + .04*rng.Float64())},
			[]string{"p50 offer", "p99 offer", TargetColumn("proc.rss_bytes")})
	}
	r.Latencies = rec.Snapshot()
	r.Hops = r.Latencies.Summaries()
	r.Deliveries = delivery.Counts{Sent: int64(w.seconds * w.each), Delivered: int64(w.seconds*w.each) - w.lost, Lost: w.lost}
	r.Verdict = verdict.Verdict{Outcome: verdict.Pass, Run: verdict.About{Lives: 100}, Trends: []verdict.Trend{
		{Series: "health.peers", Outcome: w.leak, Retained: w.retained, Interval: &verdict.Interval{Low: w.retained - 5, High: w.retained + 5}}}}
	return r
}

func compared(t *testing.T, a, b Result, like ...Result) (Comparison, map[string]State) {
	t.Helper()
	c, err := Compare(a, b, like...)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]State{}
	for _, r := range c.Rows {
		m[r.Name] = r.State
	}
	return c, m
}

// Two runs of the same are equal, 90 times over, be they quiet or noisy.
func TestCompareEqual(t *testing.T) {
	t.Parallel()
	rounds := uint64(30)
	if testing.Short() { // one goroutine, and each round merges thousands of histograms
		rounds = 1
	}
	for _, wander := range []float64{0, .1, .5} {
		w := clean()
		w.wander = wander
		for seed := range rounds {
			if c, _ := compared(t, w.run(t, 2*seed), w.run(t, 2*seed+1)); c.Outcome != verdict.Pass {
				t.Fatalf("wander %v, seed %d: %s: %+v", wander, seed, c.headline(), c.Rows[0])
			}
		}
	}
}

// What became worse is found, and named, and nothing else is.
func TestCompareFindsRegressions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*world)
		worse  []string
		may    string // become worse, too
	}{
		"slower by a third": {func(w *world) { w.scale = 1.35 }, []string{"p50 offer"}, "p90 offer, p99 offer"},
		"a longer tail":     {func(w *world) { w.tail = 3 }, []string{"p99 offer"}, ""},
		"half the rate":     {func(w *world) { w.each = 250 }, []string{"rate offer"}, ""},
		"messages are lost": {func(w *world) { w.lost = 90 }, []string{"lost"}, ""},
		"more memory":       {func(w *world) { w.rss = 65e6 }, []string{"peak rss"}, ""},
		"a leak":            {func(w *world) { w.leak, w.retained = verdict.Leaking, 900 }, []string{"retained health.peers"}, ""},
	} {
		w := clean()
		tt.change(&w)
		for seed := range uint64(3) {
			c, states := compared(t, clean().run(t, seed), w.run(t, seed+1000))
			also := 0
			for name, state := range states {
				if state == Worse && strings.Contains(tt.may, name) {
					also++
				}
			}
			if c.Outcome != verdict.Failed || c.Outcome.ExitCode() != 1 || c.count(Worse) != len(tt.worse)+also {
				t.Errorf("%s, seed %d: %s: %v", name, seed, c.headline(), states)
			}
			for _, want := range tt.worse {
				if states[want] != Worse {
					t.Errorf("%s, seed %d: %s is %s", name, seed, want, states[want])
				}
			}
			back, _ := compared(t, w.run(t, seed+1000), clean().run(t, seed))
			if back.Outcome != verdict.Pass || back.count(Better) < len(tt.worse) {
				t.Errorf("%s, backwards, seed %d: %s", name, seed, back.headline())
			}
		}
	}
}

// In runs that go up and down as much, a third cannot be told from chance, and nor can nothing.
func TestCompareNoisy(t *testing.T) {
	t.Parallel()
	noisy := clean()
	noisy.wander, noisy.seconds = 1, 12
	slower := noisy
	slower.scale = 1.35
	for _, b := range []Result{slower.run(t, 2), noisy.run(t, 1)} {
		c, states := compared(t, noisy.run(t, 1), b)
		if states["p50 offer"] != Hidden || c.Outcome != verdict.Pass || !strings.HasPrefix(c.headline(), "No regression seen") {
			t.Errorf("p50 is %s: %s", states["p50 offer"], c.headline())
		}
	}
}

// Where the noise is small, what does not differ is equal.
func TestCompareQuiet(t *testing.T) {
	t.Parallel()
	hidden := 0
	for seed := range uint64(10) {
		c, _ := compared(t, clean().run(t, 2*seed), clean().run(t, 2*seed+1))
		hidden += c.count(Hidden)
	}
	if hidden > 2 {
		t.Errorf("%d quantities of ten quiet pairs cannot be told", hidden)
	}
}

// A few more failures than before may be chance.
func TestCompareFewFailures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n, m float64
		want State
	}{{0, 0, Equal}, {5, 5, Equal}, {0, 1, Hidden}, {6, 3, Hidden}, {0, 50, Worse}, {50, 0, Better}} {
		if row := compareCount("lost", tt.n, 1000, tt.m, 1000, false); row.State != tt.want || (row.Why != "") != (tt.want == Hidden) {
			t.Errorf("%g and %g of 1000: %+v", tt.n, tt.m, row)
		}
	}
}

// Every row that is counted is shown.
func TestCompareShowsAll(t *testing.T) {
	t.Parallel()
	c, _ := compared(t, clean().run(t, 1), clean().run(t, 2))
	var text, md strings.Builder
	if err := errors.Join(c.WriteText(&text), c.WriteMarkdown(&md)); err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Rows {
		if !strings.Contains(text.String(), "\n"+r.Name+" ") || !strings.Contains(md.String(), "| "+r.Name+" |") {
			t.Errorf("%s is missing in\n%s\n%s", r.Name, text.String(), md.String())
		}
	}
}

// What is no more than the generator itself was late says nothing of the target.
func TestCompareLateGenerator(t *testing.T) {
	t.Parallel()
	slower := clean()
	slower.scale = 3
	a, b := clean().run(t, 1), slower.run(t, 2)
	if _, states := compared(t, a, b); states["p50 offer"] != Worse {
		t.Errorf("without slip p50 is %s", states["p50 offer"])
	}
	for range 100 {
		b.Latencies.Slip.Add(2 * time.Millisecond)
	}
	if _, states := compared(t, a, b); states["p50 offer"] != Hidden {
		t.Errorf("with a slip of 2ms p50 is %s", states["p50 offer"])
	}
}

// A further run like the one before shows noise that neither run does.
func TestCompareLike(t *testing.T) {
	t.Parallel()
	w := clean()
	w.scale = 1.35
	if c, _ := compared(t, clean().run(t, 1), w.run(t, 2), w.run(t, 3)); c.Outcome != verdict.Pass {
		t.Errorf("what a run of the same does, too, is %s", c.headline())
	}
}

// Quantities that cannot be compared do not count as equal.
func TestCompareUnknown(t *testing.T) {
	t.Parallel()
	a := clean().run(t, 1)
	for name, change := range map[string]func(*Result){
		"saturated":       func(r *Result) { r.Timing.Outcome = verdict.Inconclusive },
		"a hop missing":   func(r *Result) { delete(r.Hops, "offer") },
		"invalid":         func(r *Result) { r.Verdict.Outcome = verdict.Invalid },
		"not sure":        func(r *Result) { r.Verdict.Trends[0].Outcome = verdict.Inconclusive },
		"no leak verdict": func(r *Result) { r.Verdict.Trends = nil },
	} {
		b := clean().run(t, 2)
		change(&b)
		if c, _ := compared(t, a, b); c.Outcome != verdict.Inconclusive || c.Outcome.ExitCode() != 3 {
			t.Errorf("%s: %s", name, c.headline())
		}
	}
	few := clean()
	few.seconds, few.each, few.tail = 2, 20, 9
	c, states := compared(t, few.run(t, 1), few.run(t, 2))
	if states["p99 offer"] != Skipped || states["p50 offer"] != Skipped || c.Outcome != verdict.Pass {
		t.Errorf("of 40 times in two seconds, p99 is %s and p50 %s: %s", states["p99 offer"], states["p50 offer"], c.headline())
	}
}

// A target that died, and a message in the wrong hands, are worse however seldom.
func TestCompareStrict(t *testing.T) {
	t.Parallel()
	a, b := clean().run(t, 1), clean().run(t, 2)
	b.Verdict.Outcome, b.Deliveries.Misrouted = verdict.Failed, 1
	if _, states := compared(t, a, b); states["verdict"] != Worse || states["misrouted"] != Worse {
		t.Errorf("%v", states)
	}
}

// Runs of different plans are not compared; it is said where they differ.
func TestComparePlans(t *testing.T) {
	t.Parallel()
	a, b := clean().run(t, 1), clean().run(t, 2)
	b.Plan.Phases[0].Peers = 7
	b.Plan.Seed++
	if _, err := Compare(a, b); !errors.Is(err, ErrOtherPlan) || !strings.Contains(err.Error(), "Peers") {
		t.Errorf("got %v, want an error that names the peers", err)
	}
}

// Both forms say what became worse, and neither lets a name break the table.
func TestCompareWritten(t *testing.T) {
	t.Parallel()
	w := clean()
	w.scale = 2
	a, b := clean().run(t, 1), w.run(t, 2)
	b.Environment.Kernel = "other"
	a.Verdict.Trends[0].Series, b.Verdict.Trends[0].Series = "a|b\nc", "a|b\nc"
	c, _ := compared(t, a, b)
	var text, md strings.Builder
	if err := errors.Join(c.WriteText(&text), c.WriteMarkdown(&md)); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{text.String(), md.String()} {
		for _, want := range []string{"p50 offer", "WORSE", "Regression: 3 worse", "system", fmt.Sprintf("%.2f", c.Rows[0].Ratio)} {
			if !strings.Contains(s, want) {
				t.Errorf("%q is missing in\n%s", want, s)
			}
		}
	}
	if strings.Contains(md.String(), "a|b") || strings.Contains(md.String(), "b\nc") {
		t.Errorf("a name breaks the table:\n%s", md.String())
	}
}
