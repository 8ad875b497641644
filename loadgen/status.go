package loadgen

import (
	"slices"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// Status is the state of a run, for display.
type Status struct {
	Elapsed time.Duration
	Plan    string
	Phase   string // the profile; "" before the first
	Number  int    // of the phase, from 1
	Of      int    // phases
	Block   string // of an experiment: SpanWarmUp, SpanOn or SpanOff; "" for none
	Pairs   int    // pairs of blocks that are done
	Planned int    // least number of pairs

	Connections int
	Lives       int64
	Sent        int64
	Received    int64
	Cut         int64
	Errors      int64
	Connects    float64 // a second, recently
	SentRate    float64
	ReceiveRate float64

	Hops       []HopStatus // those that were taken
	Slip99     time.Duration
	Deliveries delivery.Counts
	Target     []report.Reading // last ones of the target: memory, goroutines, descriptors
	Trends     []verdict.Trend  // of the experiment so far; nil before the first

	// Measured returns the plan, and the counts and times so far, in all processes of the run. It
	// copies some MB, and may be called only before Config.Watch returns.
	Measured func() report.Result
}

// HopStatus is the state of a hop so far.
type HopStatus struct {
	Hop latency.Hop
	latency.Brief
	Rate float64 // times a second, recently
}

// progress holds which part of a plan a run has reached. Its methods may be called
// concurrently.
type progress struct {
	base time.Time

	mu       sync.Mutex
	phase    string
	number   int
	block    string
	pairs    int
	planned  int
	trends   []verdict.Trend
	readEach time.Duration // time between two readings of the target
	spans    []report.Span
}

// readEvery is the least time between two readings while peers are connected. readsInBlock
// bounds the readings in a block, because a target for which a reading is expensive must
// not do much more work in blocks with peers than in those without.
const (
	readEvery    = time.Second
	readsInBlock = 10
)

func newProgress(base time.Time) *progress { return &progress{base: base, readEach: readEvery} }

// enter records the begin of a phase. leave records its end.
func (b *progress) enter(number int, profile string) (leave func()) {
	b.mu.Lock()
	b.phase, b.number, b.block, b.pairs, b.planned, b.readEach = profile, number, "", 0, 0, readEvery
	b.mu.Unlock()
	return b.span(report.SpanPhase, profile)
}

// begin records the begin of a block of about the given length. end records its end.
func (b *progress) begin(kind string, about time.Duration) (end func()) {
	b.mu.Lock()
	b.block, b.readEach = kind, max(readEvery, about/readsInBlock)
	b.mu.Unlock()
	return b.span(kind, "")
}

func (b *progress) span(kind, name string) (end func()) {
	from := time.Since(b.base).Seconds()
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.spans) < report.MaxSpans {
			b.spans = append(b.spans, report.Span{From: from, To: time.Since(b.base).Seconds(), Kind: kind, Name: name})
		}
	}
}

// learned records how many pairs an experiment has run, and its trends.
func (b *progress) learned(pairs, planned int, trends []verdict.Trend) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pairs, b.planned, b.trends = pairs, planned, trends
}

func (b *progress) read() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.readEach
}

// fill copies the progress into a status.
func (b *progress) fill(s *Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.Phase, s.Number, s.Block, s.Pairs, s.Planned, s.Trends = b.phase, b.number, b.block, b.pairs, b.planned, b.trends
}

func (b *progress) allSpans() []report.Span {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.spans)
}
