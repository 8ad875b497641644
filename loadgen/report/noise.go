package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
)

// The least floors. Two runs of the same target on one machine differ by less for reasons
// that neither run shows.
const (
	timeFloor   = 0.10                   // of a quantile
	timeLeast   = 200 * time.Microsecond // delay by the scheduler of a busy machine
	rateFloor   = 0.03
	memoryFloor = 0.15 // of the highest reading
	noiseSigmas = 3.0  // of the measured noise
	likeMargin  = 1.5  // of how much runs of the same differ
	fewTimes    = 5    // times beyond a quantile do not determine it
	fewSeconds  = 4    // in which a hop was taken do not show its noise
	correlated  = 3    // times of the timeline count as one that is independent
)

// compareTimes compares the quantiles and the rate of each hop.
func compareTimes(a, b *Result, like []Result) []Compared {
	var rows []Compared
	for h := range latency.NumHops {
		s, ok := a.Hops[h.String()]
		o, now := b.Hops[h.String()]
		if !ok && !now {
			continue
		}
		if !ok || !now {
			rows = append(rows, Compared{Name: h.String(), A: timesTaken(s), B: timesTaken(o), State: Unknown, Why: "it was taken in one of the runs only"})
			continue
		}
		for _, q := range []float64{.5, .9, .99} {
			rows = append(rows, compareQuantile(a, b, like, h, q))
		}
		rows = append(rows, compareRate(h, s, o))
	}
	return rows
}

func timesTaken(s latency.Summary) string {
	if s.Count == 0 {
		return ""
	}
	return strconv.FormatInt(s.Count, 10) + " times"
}

// compareQuantile compares a quantile of a hop, as a ratio.
func compareQuantile(a, b *Result, like []Result, h latency.Hop, q float64) Compared {
	x, y := a.Latencies.Hops[h].Latency, b.Latencies.Hops[h].Latency
	v, w := x.Quantile(q), y.Quantile(q)
	row := Compared{Name: fmt.Sprintf("p%g %s", 100*q, h), A: units.Duration(v), B: units.Duration(w)}
	if beyond := (1 - q) * float64(min(x.Count(), y.Count())); beyond < fewTimes {
		row.State, row.Why = Skipped, "too few of them"
		return row
	}
	if a.brief(h) || b.brief(h) {
		row.State, row.Why = Skipped, "for too short a time to know its noise"
		return row
	}
	noise := math.Hypot(a.noise(h, q), b.noise(h, q))
	for i := range like {
		if o := like[i].Latencies.Hops[h].Latency; o.Count() > 0 {
			noise = math.Max(noise, likeMargin*math.Abs(logRatio(float64(o.Quantile(q)), float64(v))))
		}
	}
	added := func(d time.Duration) float64 { return math.Log1p(float64(d) / float64(max(min(v, w), 1))) }
	noise = math.Max(noise, added(max(a.lateness(q), b.lateness(q))))
	row.judge(float64(v), float64(w), math.Max(math.Log1p(timeFloor), added(timeLeast)), noise, true)
	if a.Timing.Outcome != verdict.None || b.Timing.Outcome != verdict.None {
		row.State, row.Why = Unknown, "the generator was saturated"
	}
	return row
}

// brief reports whether all times of a hop lie within a few seconds. Its variation over
// time is then not known.
func (r *Result) brief(h latency.Hop) bool {
	column := r.Timeline.column(P50Prefix + h.String())
	n := 0
	for _, v := range column {
		if v > 0 {
			n++
		}
	}
	return column != nil && n < fewSeconds
}

// lateness returns what a busy machine adds to a time: the slip of the actions when it
// sends, and as much when it receives.
func (r *Result) lateness(q float64) time.Duration { return 2 * r.Latencies.Slip.Quantile(q) }

// noise returns how far a quantile may be from that of an endless run, as the logarithm of
// a ratio. It is the larger of two estimates: from the times around the quantile, as if
// they were independent, and from the variation during the run.
func (r *Result) noise(h latency.Hop, q float64) float64 {
	t := r.Latencies.Hops[h].Latency
	n, middle := float64(t.Count()), float64(t.Quantile(q))
	share := noiseSigmas * math.Sqrt(q*(1-q)/n)
	low, high := float64(t.Quantile(math.Max(0, q-share))), float64(t.Quantile(math.Min(1, q+share)))
	around := math.Max(math.Abs(logRatio(high, middle)), math.Abs(logRatio(low, middle)))
	p50, p99 := wavering(r.Timeline.column(P50Prefix+h.String())), wavering(r.Timeline.column(P99Prefix+h.String()))
	between := max(0, min(1, (q-.5)/(.99-.5))) // of a quantile between them there is no column
	return math.Max(around, noiseSigmas*(p50+between*between*(p99-p50)))
}

// wavering returns the standard error of the mean of logarithms, from their median absolute
// deviation. Adjacent values do not count as independent.
func wavering(values Values) float64 {
	var logs []float64
	for _, v := range values {
		if v > 0 {
			logs = append(logs, math.Log(v))
		}
	}
	if len(logs) < fewSeconds {
		return 0 // the times around it have to do
	}
	middle := Median(logs)
	for i, v := range logs {
		logs[i] = math.Abs(v - middle)
	}
	const toSigma = 1.4826 // of a normal distribution
	return toSigma * Median(logs) / math.Sqrt(math.Max(1, float64(len(logs))/correlated))
}

// Median returns the median. It sorts the values.
func Median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[n/2] + values[(n-1)/2]) / 2
}

// compareRate compares the times a second of a hop.
func compareRate(h latency.Hop, a, b latency.Summary) Compared {
	row := Compared{Name: "rate " + h.String(), A: units.Short(a.Rate) + "/s", B: units.Short(b.Rate) + "/s"}
	if a.Rate == 0 || b.Rate == 0 {
		row.State, row.Why = Skipped, "too few of them"
		return row
	}
	noise := noiseSigmas * math.Sqrt(1/float64(a.Count)+1/float64(b.Count))
	row.judge(a.Rate, b.Rate, rateFloor, noise, false)
	return row
}

// blinding is the noise, as the logarithm of a ratio, that would hide a quantity that doubled.
const blinding = math.Ln2

// judge reports whether b differs from a by more than what matters at least and more than the
// noise, which are logarithms of ratios. Both values are positive. A difference that would matter
// without the noise is hidden by it, and so is everything if the noise is large.
func (r *Compared) judge(a, b, least, noise float64, lessIsBetter bool) {
	d, floor := logRatio(b, a), math.Max(least, noise)
	r.Ratio, r.Floor, r.State = b/a, math.Expm1(floor), Equal
	switch {
	case math.Abs(d) <= floor && (math.Abs(d) > least || noise > math.Max(least, blinding)):
		r.State, r.Why = Hidden, "such runs differ as much by chance; longer ones decide"
	case math.Abs(d) <= floor:
	case (d > 0) == lessIsBetter:
		r.State = Worse
	default:
		r.State = Better
	}
}

func logRatio(b, a float64) float64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	return math.Log(b / a)
}

// compareCounts compares failures, each as a share of what could have failed.
func compareCounts(a, b *Result) []Compared {
	var rows []Compared
	for _, name := range []string{"lost", "duplicated", "reordered", "misrouted", "unexpected", "cut", "errors"} {
		n, of, ok := a.counted(name)
		m, now, also := b.counted(name)
		if ok && also {
			strict := name == "misrouted" || name == "unexpected"
			rows = append(rows, compareCount(name, n, of, m, now, strict))
		}
	}
	return rows
}

// compareCount compares a count of n in a whole with one of m in another. A difference that chance
// explains is hidden. A strict count that was 0 must stay 0.
func compareCount(name string, n, of, m, now float64, strict bool) Compared {
	row := Compared{Name: name, A: units.Number(n) + " of " + units.Number(of), B: units.Number(m) + " of " + units.Number(now), State: Equal}
	if share := logRatio((m+.5)/now, (n+.5)/of); n != m && math.Abs(share) > math.Log1p(timeFloor) {
		row.State, row.Why = Hidden, "chance explains the difference" // unless it is too large for that
	}
	if n > 0 && m > 0 {
		row.Ratio = m / now / (n / of)
	}
	above := func(m, now, n, of float64) bool {
		expected := (n + .5) / of * now
		return m > expected+noiseSigmas*math.Sqrt(expected)+1
	}
	switch {
	case above(m, now, n, of), strict && m > 0 && n == 0:
		row.State, row.Why = Worse, ""
	case above(n, of, m, now), strict && n > 0 && m == 0:
		row.State, row.Why = Better, ""
	}
	return row
}

// comparePeaks compares the highest readings of the target.
func comparePeaks(a, b *Result, like []Result) []Compared {
	var rows []Compared
	live := labelled{"live heap", verdict.Bytes, []string{"pprof.heap_live_bytes"}}
	for _, l := range append(slices.Clone(labels), live) {
		for _, name := range l.series {
			x, y := a.Timeline.peak(TargetColumn(name)), b.Timeline.peak(TargetColumn(name))
			if !(x > 0) || !(y > 0) {
				continue
			}
			noise := 0.0
			for _, r := range append([]*Result{a, b}, pointers(like)...) {
				noise = math.Max(noise, r.peakNoise(name, l.unit, x))
				if o := r.Timeline.peak(TargetColumn(name)); o > 0 && r != b {
					noise = math.Max(noise, likeMargin*math.Abs(logRatio(o, x)))
				}
			}
			row := Compared{Name: "peak " + l.label, A: units.Quantity(x, l.unit), B: units.Quantity(y, l.unit)}
			row.judge(x, y, math.Log1p(memoryFloor), noise, true)
			rows = append(rows, row)
			break
		}
	}
	return rows
}

// peakNoise returns by how much the highest reading of a series may differ by chance, as
// the logarithm of a ratio: its variation at rest and, for memory, between two readings,
// because the peak depends on when the GC ran.
func (r *Result) peakNoise(series, unit string, peak float64) float64 {
	noise := 0.0
	for _, t := range r.Verdict.Trends {
		if t.Series == series {
			noise = t.Noise
		}
	}
	var moves []float64
	last := math.NaN()
	for _, v := range r.Timeline.column(TargetColumn(series)) {
		if d := math.Abs(v - last); !math.IsNaN(d) {
			moves = append(moves, d)
		}
		if !math.IsNaN(v) {
			last = v
		}
	}
	if unit == verdict.Bytes && len(moves) > 0 {
		noise = math.Max(noise, noiseSigmas*Median(moves))
	}
	return math.Log1p(noise / peak)
}

func pointers(list []Result) []*Result {
	var p []*Result
	for i := range list {
		p = append(p, &list[i])
	}
	return p
}
