package export

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// Exporter sends samples of a run to receivers.
type Exporter struct {
	every  time.Duration
	next   time.Duration // of the run, at which the next sample is due
	queues []*queue

	stop    context.CancelFunc
	members sync.WaitGroup
}

// New returns an exporter that takes a sample at the begin of a run and then once in every. Close
// ends it. Failures are logged as warnings: the first one of each receiver, and what was lost.
func New(log *slog.Logger, every time.Duration, sinks ...Sink) *Exporter {
	x := &Exporter{every: every}
	ctx, stop := context.WithCancel(context.Background())
	x.stop = stop
	for _, s := range sinks {
		q := newQueue(s, log)
		x.queues = append(x.queues, q)
		x.members.Go(func() { q.run(ctx) })
	}
	return x
}

// Watch takes a sample if one is due. It does not wait for a receiver. It is for
// loadgen.Config.Watch, and not for concurrent use.
func (x *Exporter) Watch(s loadgen.Status) {
	if len(x.queues) == 0 || s.Elapsed < x.next {
		return
	}
	x.next = s.Elapsed + x.every
	x.put(Live(time.Now(), s))
}

func (x *Exporter) put(s Sample) {
	for _, q := range x.queues {
		q.put(s)
	}
}

// Close sends the last sample, of a result, and what waits. It returns within about five seconds
// what became of all samples, for Result.Pushes. A nil result, of a run that could not begin, has
// no last sample. When Close returns, no goroutine of the exporter is left.
func (x *Exporter) Close(ctx context.Context, r *report.Result) []report.Push {
	x.stop()
	x.members.Wait()
	if r != nil {
		x.put(Final(time.Now(), r))
	}
	pushes := make([]report.Push, len(x.queues))
	for i, q := range x.queues {
		x.members.Go(func() { pushes[i] = q.finish(ctx) })
	}
	x.members.Wait()
	for _, q := range x.queues {
		q.sink.Close()
	}
	return pushes
}
