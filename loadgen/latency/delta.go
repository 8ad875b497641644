package latency

import "time"

// Delta is what a recorder counted since the last Take.
type Delta struct {
	Hops []HopDelta `json:"hops,omitempty"`
	Slip *Times     `json:"slip,omitempty"`
}

// HopDelta is the part of one hop.
type HopDelta struct {
	Hop Hop `json:"hop"`
	HopTimes
}

// Shift moves the points in time of the delta, to those of another clock.
func (d *Delta) Shift(by time.Duration) {
	for i := range d.Hops {
		h := &d.Hops[i]
		h.First, h.Last = h.First.Add(by), h.Last.Add(by)
	}
}

// Take removes all counts from the recorder and returns them.
func (r *Recorder) Take() Delta {
	var d Delta
	for h := range NumHops {
		r.locks[h].Lock()
		if t := &r.times.Hops[h]; t.Latency.Count() > 0 {
			d.Hops = append(d.Hops, HopDelta{h, HopTimes{Latency: t.Latency.moved(), Service: t.Service.moved(), First: t.First, Last: t.Last}})
			t.First, t.Last = time.Time{}, time.Time{}
		}
		r.locks[h].Unlock()
	}
	r.slip.Lock()
	defer r.slip.Unlock()
	if r.times.Slip.Count() > 0 {
		moved := r.times.Slip.moved()
		d.Slip = &moved
	}
	return d
}

// Merge adds what another recorder counted.
func (r *Recorder) Merge(d Delta) {
	for _, h := range d.Hops {
		r.locks[h.Hop].Lock()
		r.times.Hops[h.Hop].merge(h.HopTimes)
		r.locks[h.Hop].Unlock()
	}
	if d.Slip != nil {
		r.slip.Lock()
		defer r.slip.Unlock()
		r.times.Slip.Merge(*d.Slip)
	}
}
