package latency

import "github.com/HdrHistogram/hdrhistogram-go"

// Window holds the counts of one hop at its last advance. The zero value is ready to use.
// Not for concurrent use.
type Window struct{ before []int64 }

// Advance moves the window to now. It returns how many times of the hop were counted in
// all, and the state of those since the last advance.
func (w *Window) Advance(r *Recorder, h Hop) (total int64, recent Brief) {
	now, total := r.export(h)
	if now == nil {
		return 0, Brief{}
	}
	if w.before == nil {
		w.before = make([]int64, len(now.Counts))
	}
	for i, n := range now.Counts {
		now.Counts[i], w.before[i] = n-w.before[i], n
	}
	return total, Times{hdrhistogram.Import(now)}.brief()
}

// export copies the counts of a hop, nil if there are none.
func (r *Recorder) export(h Hop) (counts *hdrhistogram.Snapshot, total int64) {
	r.locks[h].Lock()
	defer r.locks[h].Unlock()
	if t := r.times.Hops[h].Latency; t.Count() > 0 {
		return t.h.Export(), t.Count()
	}
	return nil, 0
}
