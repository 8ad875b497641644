package hub

import (
	"slices"
	"sync/atomic"
	"time"
)

// timedEvery is how many relayed messages there are for each one that is timed.
const timedEvery = 256

// latencyBounds are the upper bounds of the buckets.
var latencyBounds = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// Histogram is a snapshot of a distribution of times.
type Histogram struct {
	Bounds []float64 // of the buckets, in seconds
	Counts []uint64  // of the buckets; one more is for times above all bounds
	Sum    float64   // in seconds
}

// times are the latencies of a hub.
type times struct{ relay, queue, announce latency }

// latency counts times. Its methods take no lock.
type latency struct {
	counts [len(latencyBounds) + 1]atomic.Uint64
	sum    atomic.Int64
}

func (l *latency) observe(d time.Duration) {
	bucket, _ := slices.BinarySearch(latencyBounds[:], d)
	l.counts[bucket].Add(1)
	l.sum.Add(int64(d))
}

func (l *latency) stats() (h Histogram) {
	for _, b := range latencyBounds {
		h.Bounds = append(h.Bounds, b.Seconds())
	}
	for i := range l.counts {
		h.Counts = append(h.Counts, l.counts[i].Load())
	}
	h.Sum = time.Duration(l.sum.Load()).Seconds()
	return h
}

// timed is a relayed message in a queue whose latency is measured.
type timed struct {
	end    int64         // queue.position after it; 0 if none is measured
	began  time.Duration // Hub.clock when its first bytes were read
	queued time.Duration // Hub.clock when it was queued
}

// timeLast measures the message that was queued last, unless it is written already or another one
// is being measured.
func (s *session) timeLast(began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timed.end == 0 && s.bytes > 0 {
		s.timed = timed{s.position, began.Sub(s.hub.started), s.hub.clock()}
	}
}

// timeAnnounce measures the announce that has been handled.
func (s *session) timeAnnounce() { s.hub.times.announce.observe(time.Since(s.messageBegan)) }

// endTimedLocked ends the measurement once the message is written. What was dropped does not count.
func (s *session) endTimedLocked() {
	if s.position-int64(s.bytes) < s.timed.end {
		return
	}
	if at := s.hub.clock(); !s.gone && !s.overfull {
		s.hub.times.relay.observe(at - s.timed.began)
		s.hub.times.queue.observe(at - s.timed.queued)
	}
	s.timed = timed{}
}
