package verdict

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Question is what is asked of a series.
type Question struct {
	Series   string
	Scenario string
	Unit     string // Bytes, or what is counted
	Class    Class  // of a leak, if there is one
	// Matters is the smallest leak that matters, in units per peer: the trend is
	// over as soon as that much is excluded. Default 64 bytes, or 1 per 1,000 peers.
	Matters float64
	// Step is the resolution of the readings. Default 1.
	Step float64
	// Strict series count one by one and rest at the same number, as goroutines,
	// descriptors and sessions do: one that has left its baseline for good leaks.
	Strict bool
	// Among is how many trends are judged together: the chance of an error, 1 % each
	// way, is for all of them. Default 1.
	Among int
}

// DefaultMatters is how many bytes per peer matter, if nobody says so.
const DefaultMatters = 64

// errorRate is the probability of a wrong answer, each way.
const errorRate = 0.01

// Trend is the answer. Retained is per 1,000 peers, with an interval that holds
// with 99 % on each side however often one has looked.
type Trend struct {
	Series   string `json:"series"`
	Scenario string `json:"scenario,omitempty"`
	// Together are the peers by scenario, where it is of two or three together.
	Together map[string]int64 `json:"together,omitempty"`
	Unit     string           `json:"unit,omitempty"`
	Class    Class            `json:"class,omitempty"`
	Outcome  Outcome          `json:"outcome"` // leak, none or inconclusive
	Why      string           `json:"why"`

	// PerCycle is what the peers of each pair changed, where the blocks are of several
	// scenarios together: the source of a leak is solved for from it and the doses, unless
	// blocks could not be read, and it has fewer pairs than the run has cycles.
	PerCycle []int64 `json:"perCycle,omitempty"`

	Peers    int64     `json:"peers"`
	Pairs    int       `json:"pairs"` // of an on and an off block
	Retained float64   `json:"retained"`
	Interval *Interval `json:"interval,omitempty"` // missing as long as there is none
	Smallest float64   `json:"smallest,omitempty"` // leak per 1,000 peers that would have been found; 0: not known yet
	More     int64     `json:"more,omitempty"`     // peers that an inconclusive trend still needs, about

	Baseline   float64 `json:"baseline"`
	Final      float64 `json:"final"`
	Noise      float64 `json:"noise"` // range of the readings over blocks without peers
	Returned   bool    `json:"returned"`
	Saturating bool    `json:"saturating,omitempty"`

	// Sites are where in the code there is more than before, the most first, for a
	// target whose profiles can be read.
	Sites []Grown `json:"sites,omitempty"`
}

// Grown is a place in the code that a target has more of, per 1,000 peers.
type Grown struct {
	Born   Site    `json:"born"`            // of an allocation, or of a goroutine's function
	Caller Site    `json:"caller,omitzero"` // the nearest that is not of the standard library
	Count  float64 `json:"count"`
	Bytes  float64 `json:"bytes,omitempty"`
}

// Interval is a confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

func (q Question) withDefaults() Question {
	if q.Matters <= 0 {
		q.Matters = 0.001
		if q.Unit == Bytes {
			q.Matters = DefaultMatters
		}
	}
	if q.Step <= 0 {
		q.Step = 1
	}
	if q.Among < 1 {
		q.Among = 1
	}
	return q
}

// Test answers a question from all blocks so far. It may be asked again after
// every block and believed the first time that it is sure: see sequential.go.
func Test(q Question, blocks []Block) Trend {
	q = q.withDefaults()
	list := pairs(q.Scenario, blocks)
	t := Trend{Series: q.Series, Scenario: q.Scenario, Unit: q.Unit, Class: q.Class, Pairs: len(list), Outcome: Inconclusive}
	t.settle(blocks)
	for _, b := range blocks {
		if b.Dose > 0 && b.Scenario == q.Scenario && readable(b) {
			t.Peers += int64(b.Dose)
		}
	}
	if q.Scenario == "" && q.Unit != Bytes {
		t.PerCycle = perCycle(list)
	}
	// A strict series is asked a second question, so each gets half of the errors.
	alpha := errorRate / float64(q.Among)
	if q.Strict {
		alpha /= 2
	}
	r := regress(list, q.Step)
	half := r.radius(alpha) * r.error
	t.Retained = 1000 * r.slope
	if !math.IsInf(half, 1) && !math.IsNaN(half) {
		t.Interval = &Interval{t.Retained - 1000*half, t.Retained + 1000*half}
		t.Smallest = 1000 * (half + likely*r.error)
	}
	t.decide(q, r, list, blocks, alpha)
	return t
}

// likely is how many standard errors above the bound a leak must be to be found
// with 99 %.
const likely = 2.33

func (t *Trend) decide(q Question, r regression, list []pair, blocks []Block, alpha float64) {
	grew := t.Interval != nil && t.Interval.Low > 0
	t.Saturating = saturates(list, q.Step)
	small := t.Interval != nil && t.Interval.High < 1000*q.Matters
	switch {
	case grew && !t.Saturating && (q.Strict || !small):
		t.Outcome, t.Why = Leaking, "it grows with the peers, block after block"
	case q.Strict && !t.Saturating && stayed(q, blocks, alpha):
		t.Outcome, t.Why = Leaking, fmt.Sprintf("it rested at %s before and rests at %s now", units.Quantity(t.Baseline, t.Unit), units.Quantity(t.Final, t.Unit))
	case small && (!q.Strict || !t.Saturating):
		t.Outcome, t.Why = None, fmt.Sprintf("a leak of %s per peer is excluded", units.Quantity(q.Matters, q.Unit))
	case ended(q, list, alpha):
		t.Outcome, t.Why = None, fmt.Sprintf("it grew at first, and then no more: a leak of %s per peer is excluded of the later peers", units.Quantity(q.Matters, q.Unit))
	case t.Saturating:
		t.More = 2 * t.Peers
		t.Why = "it grew at first and hardly any more: a cache that fills, or a leak that pauses"
	case t.Interval == nil:
		t.More = t.need(q, r, alpha)
		t.Why = fmt.Sprintf("%s of blocks are too few", units.Plural(int64(t.Pairs), "pair"))
	default:
		t.More = t.need(q, r, alpha)
		t.Why = fmt.Sprintf("a leak of %s per peer is neither shown nor excluded", units.Quantity(q.Matters, q.Unit))
	}
}

// need returns about how many more peers would decide.
func (t *Trend) need(q Question, r regression, alpha float64) int64 {
	if r.n < 2 {
		return 4 * max(1, t.Peers) // four pairs decide what is plain
	}
	// Whichever answer the estimate is nearer to has to clear its bound.
	margin := math.Max(r.slope, q.Matters-r.slope)
	enough := func(n int) bool {
		p := r.after(n)
		return p.radius(alpha)*p.error < margin
	}
	low, high := r.n, r.n+1
	for ; high < 1<<20 && !enough(high); high *= 2 {
		low = high
	}
	for high-low > 1 {
		if mid := (low + high) / 2; enough(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return int64(math.Ceil(float64(t.Peers) / float64(r.n) * float64(high-r.n)))
}

// saturates reports whether the first half of the pairs grew and the second hardly
// any more: what a bounded cache does, and no leak.
func saturates(list []pair, step float64) bool {
	mid := len(list) / 2
	if mid < 2 {
		return false
	}
	early, late := regress(list[:mid], step), regress(list[mid:], step)
	return early.slope > 3*early.error && late.slope < 0.35*early.slope
}

// ended reports whether growth has: a leak of a size that matters is excluded of the
// later pairs alone, which are half of them or more. They begin at a power of two, so
// that however often one looks they begin at few places, among which the chance of an
// error is divided.
func ended(q Question, list []pair, alpha float64) bool {
	if len(list) < 4 {
		return false
	}
	start := 1 << (bits.Len(uint(len(list)/2)) - 1)
	const starts = 10 // as many as there are below a thousand pairs
	r := regress(list[start:], q.Step)
	return r.slope+r.radius(alpha/starts)*r.error < q.Matters
}

// settle compares where the series rests with where it rested, as far as it was read.
func (t *Trend) settle(blocks []Block) {
	read := false
	for _, b := range blocks {
		if !readable(b) {
			continue
		}
		if !read {
			t.Baseline, read = b.Before, true
		}
		if t.Final = b.After; b.Dose <= 0 {
			t.Noise = math.Max(t.Noise, math.Abs(b.After-b.Before))
		}
	}
	t.Returned = read && t.Final-t.Baseline <= t.Noise
}

// stayed reports whether a strict series has left its baseline for good: the last
// third of the readings at rest is above all of the first third. Were nothing
// retained, the readings would come in any order, and this one has a chance of 1
// in (2k over k) for thirds of k; so few that all looks together stay within alpha.
func stayed(q Question, blocks []Block, alpha float64) bool {
	levels := make([]float64, 0, len(blocks)+1)
	for i, b := range blocks {
		if b.Dose > 0 && b.Scenario != q.Scenario {
			return false // other peers may have left it
		}
		if i == 0 {
			levels = append(levels, b.Before)
		}
		levels = append(levels, b.After)
	}
	levels = slices.DeleteFunc(levels, math.IsNaN) // were not read
	k := len(levels) / 3
	odds := 1.0
	for i := range k {
		odds *= float64(k+i+1) / float64(i+1)
	}
	// One look in three has a new k, and the chance falls to a quarter with each.
	if k == 0 || odds < 4/alpha {
		return false
	}
	first, last := slices.Max(levels[:k]), levels[len(levels)-k:]
	return slices.Min(last) >= first+q.Step && last[k-1] > first+q.Step
}

// Name names the trend: the series, and the scenario if there is one.
func (t *Trend) Name() string {
	switch {
	case len(t.Together) > 0:
		return t.Series + " under " + strings.Join(slices.Sorted(maps.Keys(t.Together)), " and ")
	case t.Scenario != "":
		return t.Series + " under " + t.Scenario
	}
	return t.Series
}

// Advice returns what would decide an inconclusive trend.
func (t *Trend) Advice() string {
	if t.More <= 0 {
		return "run longer"
	}
	return "about " + units.Plural(t.More, "peer") + " more would decide"
}

// finding says of a leaking trend what a detector would. Bytes are a total, to be
// given to whatever leak they are of, so they name no field.
func (t *Trend) finding() Finding {
	retained := max(1, int64(math.Round(t.Retained*float64(t.Peers)/1000)))
	f := Finding{Detector: "series " + t.Series}
	if len(t.Sites) > 0 {
		f.Born, f.Caller = t.Sites[0].Born, t.Sites[0].Caller
	}
	if t.Unit == Bytes {
		f.Class, f.Bytes = cmp.Or(t.Class, Object), retained
	} else {
		f.Class, f.Field, f.Count = cmp.Or(t.Class, Collection), t.Series, retained
	}
	if t.Scenario != "" {
		f.PerScenario = map[string]int64{t.Scenario: retained}
	}
	for name, n := range t.Together { // each at the same rate
		if f.PerScenario == nil {
			f.PerScenario = map[string]int64{}
		}
		f.PerScenario[name] = int64(math.Round(float64(retained*n) / float64(max(1, t.Peers))))
	}
	return f
}
