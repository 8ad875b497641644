package export

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// Sink sends samples to a receiver.
type Sink interface {
	// Send sends a sample once. An error that wraps ErrRefused says that the receiver will not take
	// it at another time either. One goroutine calls it.
	Send(ctx context.Context, s Sample) error

	// Name identifies the receiver in logs and reports, without secrets.
	Name() string

	// Close closes its connections. Send is not called any more.
	Close()
}

// ErrRefused is wrapped by the error of a receiver that refuses a sample.
var ErrRefused = errors.New("refused")

const (
	// MaxWaiting bounds the samples that wait for a receiver.
	MaxWaiting = 60

	lastPatience = 5 * time.Second // for what waits when the run is over
	lastTries    = 2               // failures of a receiver after which the rest is given up
	lastPause    = time.Second     // between them
)

// queue holds what waits for one receiver. Its goroutine sends the samples in their order. A
// sample that fails stays first until the next one is put.
type queue struct {
	sink Sink
	log  *slog.Logger

	wake chan struct{} // of capacity 1: something was put

	mu      sync.Mutex
	waiting []Sample
	sending bool // the first one is under way
	push    report.Push
}

func newQueue(sink Sink, log *slog.Logger) *queue {
	return &queue{sink: sink, log: log, wake: make(chan struct{}, 1), push: report.Push{To: sink.Name()}}
}

// put adds a sample, and drops the oldest one that is not under way if the queue is full.
func (q *queue) put(s Sample) {
	q.mu.Lock()
	q.push.Samples++
	if len(q.waiting) == MaxWaiting {
		oldest := 0
		if q.sending {
			oldest = 1
		}
		q.waiting = append(q.waiting[:oldest], q.waiting[oldest+1:]...)
		q.push.Lost++
	}
	q.waiting = append(q.waiting, s)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// run sends what is put, until ctx ends.
func (q *queue) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
			q.flush(ctx)
		}
	}
}

// flush sends what waits, until a push fails. It reports whether nothing waits any more.
func (q *queue) flush(ctx context.Context) bool {
	for ctx.Err() == nil {
		s, ok := q.begin()
		if !ok {
			return true
		}
		if err := q.sink.Send(ctx, s); !q.end(ctx, err) {
			return false
		}
	}
	return false
}

// begin returns the first sample that waits. It stays in the queue until end.
func (q *queue) begin() (s Sample, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return Sample{}, false
	}
	q.sending = true
	return q.waiting[0], true
}

// end notes how the push of the first sample ended, and reports whether the next one may follow.
// A push that ended because the run is over did not fail: it is tried again.
func (q *queue) end(ctx context.Context, err error) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sending = false
	if err != nil && ctx.Err() != nil {
		return false
	}
	q.push.Pushes++
	q.warnLocked(err)
	refused := errors.Is(err, ErrRefused)
	if err != nil {
		q.push.Failed++
		q.push.Error = err.Error()
	}
	if refused {
		q.push.Lost++
	}
	if err == nil || refused {
		q.waiting = q.waiting[1:]
	}
	return err == nil
}

// warnLocked logs the first failure.
func (q *queue) warnLocked(err error) {
	if err != nil && q.push.Failed == 0 {
		q.log.Warn("a push failed; the run goes on, and tries again with the next sample", "to", q.sink.Name(), "error", err)
	}
}

// finish sends the rest within lastPatience, and returns the account. The goroutine of run has
// ended.
func (q *queue) finish(ctx context.Context) report.Push {
	ctx, cancel := context.WithTimeout(ctx, lastPatience)
	defer cancel()
	for left := lastTries; !q.flush(ctx) && ctx.Err() == nil; {
		if left--; left == 0 {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(lastPause):
		}
	}
	if ctx.Err() != nil {
		q.push.Pushes++
		q.push.Failed++
		q.push.Error = "no answer within " + units.Duration(lastPatience)
	}
	q.push.Lost += len(q.waiting)
	if q.push.Lost > 0 {
		q.log.Warn("not everything was pushed", "to", q.sink.Name(), "samples", q.push.Samples, "lost", q.push.Lost, "error", q.push.Error)
	}
	return q.push
}
