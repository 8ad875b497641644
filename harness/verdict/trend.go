package verdict

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Question is what to find out from a series.
type Question struct {
	Series   string
	Scenario string
	Unit     string // Bytes, or what is counted
	Class    Class  // of a leak, if there is one
	// Matters is the smallest leak that matters, in units per peer. There is no leak as soon
	// as so much is excluded. Default DefaultMatters bytes, or 1 thing per 1,000 peers.
	Matters float64
	// Step is the resolution of the readings. Default 1.
	Step float64
	// Strict is set for a count that rests at the same number, as those of goroutines,
	// descriptors and sessions do. Such a series leaks if it has left its baseline for good.
	Strict bool
	// Fills is set for a series that may fill to a bound, such as memory with a cache in it.
	// It leaks only if it has grown for longer than a bound would let it, and by more than the
	// smallest leak that the run could have seen.
	Fills bool
	// Bound is the number of peers after which growth is no filling: no ring or cache holds so
	// many. Default 65,536.
	Bound int64
	// Per is what the doses count, if they count no peers: see Scenario.Unit.
	Per string
	// Among is the number of trends that share the error probability, 1 % each way. Default 1.
	Among int
}

// DefaultMatters is the default of Question.Matters for sizes, in bytes per peer.
const DefaultMatters = 64

// errorRate is the probability of a wrong answer in each of the two directions.
const errorRate = 0.01

// Trend is the answer to a Question. Retained and Smallest are per 1,000 peers, or per 1,000 of
// what Per names. Each bound of Interval holds with 99 %, however often Test was called.
type Trend struct {
	Series   string `json:"series"`
	Scenario string `json:"scenario,omitempty"`
	// Together are the peers by scenario, if the trend is about two or three scenarios.
	Together map[string]int64 `json:"together,omitempty"`
	Unit     string           `json:"unit,omitempty"`
	Per      string           `json:"per,omitempty"` // what the doses count, if they count no peers
	Class    Class            `json:"class,omitempty"`
	Outcome  Outcome          `json:"outcome"` // leak, none or inconclusive
	Why      string           `json:"why"`

	// PerCycle is the change of each pair, if the blocks have several scenarios at once. The
	// scenarios of a leak are solved for from it. It does not serve that if some blocks could
	// not be read, because it then has fewer pairs than the run has cycles.
	PerCycle []int64 `json:"perCycle,omitempty"`

	Peers    int64     `json:"peers"`
	Pairs    int       `json:"pairs"` // of an on and an off block
	Retained float64   `json:"retained"`
	Interval *Interval `json:"interval,omitempty"` // nil as long as the pairs do not give one
	Smallest float64   `json:"smallest,omitempty"` // leak that would have been found; 0: not known yet
	More     int64     `json:"more,omitempty"`     // about how many further peers would decide an inconclusive trend

	// Again are the flags of a run that decides the trend, if the caller knows better ones than
	// those that follow from More.
	Again string `json:"-"`

	Baseline   float64 `json:"baseline"`
	Final      float64 `json:"final"`
	Noise      float64 `json:"noise"` // range of the readings over blocks without peers
	Returned   bool    `json:"returned"`
	Saturating bool    `json:"saturating,omitempty"`
	Filling    bool    `json:"filling,omitempty"` // it grows, and a bound may still end that

	// Sites are the places in the code that grew, largest first, if the target serves
	// profiles.
	Sites []Grown `json:"sites,omitempty"`
}

// Grown is a place in the code whose allocations or goroutines grew, per 1,000 peers.
type Grown struct {
	Born   Site    `json:"born"`            // of an allocation, or of a goroutine's function
	Caller Site    `json:"caller,omitzero"` // the nearest caller outside the standard library
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
	if q.Bound <= 0 {
		q.Bound = fillPeers
	}
	return q
}

// Test answers a question from all blocks so far. It may be called after every block, and the
// first answer that is not inconclusive holds: see trend_sequential.go.
func Test(q Question, blocks []Block) Trend {
	q = q.withDefaults()
	list := pairs(q.Scenario, blocks)
	t := Trend{Series: q.Series, Scenario: q.Scenario, Unit: q.Unit, Per: q.Per, Class: q.Class, Pairs: len(list), Outcome: Inconclusive}
	t.settle(blocks)
	for _, b := range blocks {
		if b.Dose > 0 && b.Scenario == q.Scenario && readable(b) {
			t.Peers += int64(b.Dose)
		}
	}
	if q.Scenario == "" && q.Unit != Bytes {
		t.PerCycle = perCycle(list)
	}
	// A strict series gets a second test (stayed), so each has half of the error probability.
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

// likely is the number of standard errors above the bound at which a leak is found with 99 %.
const likely = 2.33

// decide sets Outcome, Why and More.
func (t *Trend) decide(q Question, r regression, list []pair, blocks []Block, alpha float64) {
	grew := t.Interval != nil && t.Interval.Low > 0 && (!q.Fills || t.Retained >= t.Smallest)
	t.Saturating = saturates(list, q.Step)
	small := t.Interval != nil && t.Interval.High < 1000*q.Matters
	rest := regress(rests(q.Scenario, blocks), q.Step)
	released := t.Interval != nil && t.Interval.Low > 0 && rest.slope < risesBy*r.slope
	t.Filling = grew && !t.Saturating && !released && q.Fills && t.mayFill(q, list, r)
	switch {
	case released && rest.slope+rest.radius(alpha)*rest.error < q.Matters:
		t.Outcome, t.Why = None, "what a block leaves is released in the next one: over both kinds of block it does not grow"
	case released:
		t.More = t.need(q, rest, alpha)
		t.Why = "at rest it rises by less than the blocks with peers add: a release that comes late, or something else that falls"
	case t.Filling:
		t.More = max(q.Bound-t.Peers, t.Peers/2)
		t.Why = fmt.Sprintf("it grows with the %s, and a cache or ring that fills would, too, for some %s", plural(t.dose()), t.doses(q.Bound))
	case grew && !t.Saturating && (q.Strict || !small):
		t.Outcome, t.Why = Leaking, "it grows with the "+plural(t.dose())+", block after block"
	case q.Strict && !t.Saturating && stayed(q, blocks, alpha):
		t.Outcome, t.Why = Leaking, fmt.Sprintf("it rested at %s before and rests at %s now", units.Quantity(t.Baseline, t.Unit), units.Quantity(t.Final, t.Unit))
	case small && (!q.Strict || !t.Saturating):
		t.Outcome, t.Why = None, fmt.Sprintf("a leak of %s per %s is excluded", units.Quantity(q.Matters, q.Unit), t.dose())
	case ended(q, list, alpha):
		t.Outcome, t.Why = None, fmt.Sprintf("it grew at first and then stopped: the later %s exclude a leak of %s per %s", plural(t.dose()), units.Quantity(q.Matters, q.Unit), t.dose())
	case t.Saturating:
		t.More = 2 * t.Peers
		t.Why = "it grew at first and hardly does now: a cache that fills, or a leak that pauses"
	case t.Interval == nil:
		t.More = t.need(q, r, alpha)
		t.Why = fmt.Sprintf("%s of blocks are too few", units.Plural(int64(t.Pairs), "pair"))
	default:
		t.More = t.need(q, r, alpha)
		t.Why = fmt.Sprintf("a leak of %s per %s is neither shown nor excluded", units.Quantity(q.Matters, q.Unit), t.dose())
	}
}

// need returns about how many further peers would decide.
func (t *Trend) need(q Question, r regression, alpha float64) int64 {
	if r.n < 2 {
		return 4 * max(1, t.Peers) // four pairs decide a clear case
	}
	// The estimate has to clear the bound of the answer that it is nearer to.
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

// settle compares the last reading at rest with the first, of the blocks that were read.
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

// dose returns what the doses count, in the singular.
func (t *Trend) dose() string { return cmp.Or(t.Per, "peer") }

// doses returns a number of what the doses count.
func (t *Trend) doses(n int64) string { return units.Plural(n, t.dose(), plural(t.dose())) }

// PerThousand returns what Retained and Smallest are per.
func (t *Trend) PerThousand() string { return "1,000 " + plural(t.dose()) }

// plural returns the plural of a noun that words may follow.
func plural(noun string) string {
	first, rest, ok := strings.Cut(noun, " ")
	if !ok {
		return noun + "s"
	}
	return first + "s " + rest
}

// Name returns the series, and the scenarios if the trend is about some.
func (t *Trend) Name() string {
	switch {
	case len(t.Together) > 0:
		return t.Series + " under " + strings.Join(t.scenarios(), " and ")
	case t.Scenario != "":
		return t.Series + " under " + t.Scenario
	}
	return t.Series
}

// Advice returns what would decide an inconclusive trend.
func (t *Trend) Advice() string {
	again := fmt.Sprintf("--peers %d", t.Peers+t.More)
	if t.Again != "" {
		again = t.Again
	}
	switch {
	case t.More > 0:
		return fmt.Sprintf("about %s more would decide: again with %s", t.doses(t.More), again)
	case t.Again != "":
		return "again with " + again
	}
	return "run longer"
}

// finding returns a leaking trend as a finding. Bytes are a total that belongs to whatever leak
// explains them, so they get no field.
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
	for name, n := range t.Together { // all at the same rate
		if f.PerScenario == nil {
			f.PerScenario = map[string]int64{}
		}
		f.PerScenario[name] = int64(math.Round(float64(retained*n) / float64(max(1, t.Peers))))
	}
	return f
}
