package latency

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// HopTimes are the times of one hop.
type HopTimes struct {
	Latency Times `json:"latency"` // from the intended begin of the action
	Service Times `json:"service"` // from its actual begin

	First time.Time `json:"first,omitzero"` // when the first one ended
	Last  time.Time `json:"last,omitzero"`
}

// Rate returns the times a second between the first and the last. It returns NaN if
// there are fewer than two.
func (h *HopTimes) Rate() float64 {
	if n := h.Latency.Count(); n > 1 && h.Last.After(h.First) {
		return float64(n-1) / h.Last.Sub(h.First).Seconds()
	}
	return math.NaN()
}

// extend widens the period between First and Last.
func (h *HopTimes) extend(first, last time.Time) {
	if h.First.IsZero() || !first.IsZero() && first.Before(h.First) {
		h.First = first
	}
	if last.After(h.Last) {
		h.Last = last
	}
}

func (h *HopTimes) copied() HopTimes {
	return HopTimes{Latency: h.Latency.copied(), Service: h.Service.copied(), First: h.First, Last: h.Last}
}

func (h *HopTimes) merge(o HopTimes) {
	h.Latency.Merge(o.Latency)
	h.Service.Merge(o.Service)
	h.extend(o.First, o.Last)
}

// Histograms are the times of all hops, and how late the generator was.
type Histograms struct {
	Hops [NumHops]HopTimes
	Slip Times
}

// NewHistograms returns empty histograms.
func NewHistograms() Histograms {
	l := Histograms{Slip: NewTimes()}
	for i := range l.Hops {
		l.Hops[i] = HopTimes{Latency: NewTimes(), Service: NewTimes()}
	}
	return l
}

// Merge adds all times of o.
func (l *Histograms) Merge(o Histograms) {
	for i := range l.Hops {
		l.Hops[i].merge(o.Hops[i])
	}
	l.Slip.Merge(o.Slip)
}

// Since returns the times that were counted since the earlier snapshot o of the same recorder.
func (l Histograms) Since(o Histograms) Histograms {
	d := Histograms{Slip: l.Slip.Since(o.Slip)}
	for i, h := range l.Hops {
		before := o.Hops[i]
		d.Hops[i] = HopTimes{Latency: h.Latency.Since(before.Latency), Service: h.Service.Since(before.Service), First: before.Last, Last: h.Last}
		if before.Last.IsZero() {
			d.Hops[i].First = h.First
		}
	}
	return d
}

// histogramsJSON holds the hops that have times, by name, so that the JSON form does not
// depend on the list of hops.
type histogramsJSON struct {
	Hops map[string]HopTimes `json:"hops"`
	Slip Times               `json:"slip"`
}

// MarshalJSON writes the hops that have times.
func (l Histograms) MarshalJSON() ([]byte, error) {
	j := histogramsJSON{map[string]HopTimes{}, l.Slip}
	for i, h := range l.Hops {
		if h.Latency.Count() > 0 {
			j.Hops[Hop(i).String()] = h
		}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. It skips unknown hops.
func (l *Histograms) UnmarshalJSON(b []byte) error {
	j := histogramsJSON{Slip: NewTimes()}
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("latencies: %w", err)
	}
	*l = NewHistograms()
	l.Slip = j.Slip
	for i := range l.Hops {
		if h, ok := j.Hops[Hop(i).String()]; ok && !h.Latency.IsZero() && !h.Service.IsZero() {
			l.Hops[i] = h
		}
	}
	return nil
}
