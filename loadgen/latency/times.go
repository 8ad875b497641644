package latency

import (
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Times are counted in microseconds up to longestTime; a longer time counts as
// longestTime. With three digits a histogram takes about 150 KB.
const (
	shortestTime = time.Microsecond
	longestTime  = 10 * time.Minute
	digits       = 3
)

// Times is a histogram of times, of constant size. Merging the histograms of several
// processes gives exactly the counts of one process that counted all. Use NewTimes; the
// zero value counts nothing. Not for concurrent use.
type Times struct{ h *hdrhistogram.Histogram }

// NewTimes returns an empty histogram.
func NewTimes() Times {
	return Times{hdrhistogram.New(1, int64(longestTime/shortestTime), digits)}
}

// IsZero reports whether t is the zero value, for instance because JSON lacked it.
func (t Times) IsZero() bool { return t.h == nil }

// Add counts a time.
func (t Times) Add(d time.Duration) {
	// RecordValue fails only outside of the range.
	_ = t.h.RecordValue(int64(min(max(d, 0), longestTime) / shortestTime))
}

// Count returns how many times were counted.
func (t Times) Count() int64 { return t.h.TotalCount() }

// Quantile returns the time that the share q of all times, from 0 to 1, does not exceed.
func (t Times) Quantile(q float64) time.Duration {
	return time.Duration(t.h.ValueAtQuantile(100*q)) * shortestTime
}

// ValuesAt returns the times at percentiles, from 0 to 100.
func (t Times) ValuesAt(percentiles []float64) []time.Duration {
	values := make([]time.Duration, 0, len(percentiles))
	for _, v := range t.h.ValueAtPercentilesSlice(percentiles) {
		values = append(values, time.Duration(v)*shortestTime)
	}
	return values
}

// Mean returns the mean.
func (t Times) Mean() time.Duration { return time.Duration(t.h.Mean() * float64(shortestTime)) }

// Max returns the longest time.
func (t Times) Max() time.Duration { return time.Duration(t.h.Max()) * shortestTime }

// Merge adds all times of o.
func (t Times) Merge(o Times) { t.h.Merge(o.h) }

// Equal reports whether both have the same counts.
func (t Times) Equal(o Times) bool { return t.h.Equals(o.h) }

// copied returns a copy of the histogram.
func (t Times) copied() Times { return Times{t.h.Clone()} }

// moved returns a copy of the histogram, which it empties.
func (t Times) moved() Times {
	c := t.copied()
	t.h.Reset()
	return c
}

// Since returns the times that were counted since an earlier copy o.
func (t Times) Since(o Times) Times {
	now, before := t.h.Export(), o.h.Export()
	for i := range now.Counts {
		now.Counts[i] -= before.Counts[i]
	}
	return Times{hdrhistogram.Import(now)}
}

// MarshalText writes the histogram in HdrHistogram's compressed form, in base64.
func (t Times) MarshalText() ([]byte, error) {
	b, err := t.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return nil, fmt.Errorf("times: %w", err)
	}
	return b, nil
}

// UnmarshalText reads what MarshalText writes.
func (t *Times) UnmarshalText(b []byte) error {
	h, err := hdrhistogram.Decode(b)
	if err != nil {
		return fmt.Errorf("times: %w", err)
	}
	t.h = h
	return nil
}

// hgrmTicks is how many lines a .hgrm file has for each halving of the distance to
// 100 %, as in the files of HdrHistogram's own tools.
const hgrmTicks = 5

// WriteHGRM writes the times in HdrHistogram's text form, in milliseconds, for its plotter
// and other tools.
func (t Times) WriteHGRM(w io.Writer) error {
	_, err := t.h.PercentilesPrint(w, hgrmTicks, float64(time.Millisecond/shortestTime))
	return err
}
