package loadgen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
)

// worker runs its share of a plan under a coordinator.
type worker struct {
	link   cluster.Link
	own    []netip.Addr // addresses to connect from; empty for those of the job
	runner *runner
	orders chan cluster.Order
	lost   bool // the coordinator is gone; valid once orders is closed

	ended  bool  // the coordinator has ended the experiment under way
	failed error // the answer to further orders of an experiment that ended by itself

	sending sync.Mutex // so that deltas are sent in the order in which they were taken
	cursor  cursor

	mu     sync.Mutex
	cancel context.CancelFunc // of the order under way
}

// ServeWorker runs a share of the plan of the process that started this one. It returns
// when the run is over, or at once with an error when in ends. Both processes must be of
// the same version.
func ServeWorker(ctx context.Context, in io.Reader, out io.Writer) error {
	return ServeLink(ctx, cluster.NewLines(in, out), nil)
}

// ServeLink runs a share of a plan over a link. It returns when the run is over and nothing
// of it is left. The caller must close the link, which ends the last goroutine.
func ServeLink(ctx context.Context, l cluster.Link, own []netip.Addr) error {
	defer context.AfterFunc(ctx, func() { l.Close(0) })()
	w := &worker{link: l, own: own, orders: make(chan cluster.Order)}
	f, err := l.Receive()
	if err != nil || f.Job == nil {
		return fmt.Errorf("worker: no job came: %w", err)
	}
	if err := w.prepare(*f.Job); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var listening, sending sync.WaitGroup
	listening.Go(func() { w.listen(ctx, cancel) })
	timely, stop := context.WithCancel(context.WithoutCancel(ctx))
	sending.Go(func() { w.sendDeltas(timely) })
	err = w.work(ctx)
	stop()
	sending.Wait()
	cancel()
	w.finish()
	l.Close(0)
	listening.Wait()
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	return nil
}

// prepare makes the runner of the job, and answers the job.
func (w *worker) prepare(j cluster.Job) error {
	if len(j.Sources) == 0 {
		j.Sources = w.own
	}
	host, _ := os.Hostname() // only for messages
	answer := cluster.Ready{Host: host, PID: os.Getpid()}
	r, err := newRunner(Config{URL: j.URL, Plan: j.Plan, Sources: j.Sources, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		answer.Error = err.Error()
		return joinSend(w.link, answer, err)
	}
	r.share = share{j.Index, j.Of}
	r.target = &target{url: j.URL, waits: r.cfg.waits, died: func() error { return nil }, start: time.Now()}
	if j.Preflight {
		answer.Advice = r.suffice()
	}
	r.fleet.from.addresses = r.cfg.Sources
	w.runner, w.cursor = r, cursor{fleet: r.fleet, counters: r.counters}
	return w.link.Send(cluster.Parcel{Ready: &answer})
}

func joinSend(l cluster.Link, answer cluster.Ready, err error) error {
	if sent := l.Send(cluster.Parcel{Ready: &answer}); sent != nil {
		return sent
	}
	return err
}

// listen receives the parcels of the coordinator until there are no more.
func (w *worker) listen(ctx context.Context, cancel context.CancelFunc) {
	defer close(w.orders)
	defer cancel()
	for {
		f, err := w.link.Receive()
		switch {
		case err != nil:
			w.lost = true
			return
		case f.Stop:
			return
		case f.Cancel:
			w.mu.Lock()
			if w.cancel != nil {
				w.cancel()
			}
			w.mu.Unlock()
		case f.Order != nil:
			select {
			case w.orders <- *f.Order:
			case <-ctx.Done():
				return
			}
		}
	}
}

// work runs the orders. The profile of an experiment takes the orders that follow its own.
func (w *worker) work(ctx context.Context) error {
	for o := range w.orders {
		err := w.failed
		if o.Block == nil && !o.End {
			w.ended = false
			if err = w.phase(ctx, o.Phase); !w.answers(o.Phase) {
				w.failed = errors.Join(errors.New("the experiment ended too early"), err)
				continue // the next order gets the error
			}
		}
		if err := w.done(err); err != nil {
			return err
		}
	}
	return nil
}

// answers reports whether a phase that has returned is to be answered. An experiment is
// only if the coordinator has ended it.
func (w *worker) answers(phase int) bool {
	if phase < 0 || phase >= len(w.runner.plan.Phases) {
		return true
	}
	p, err := profileOf(w.runner.plan.Phases[phase].Profile)
	return err != nil || !p.experiment || w.ended
}

func (w *worker) phase(ctx context.Context, i int) error {
	r := w.runner
	if i < 0 || i >= len(r.plan.Phases) {
		return fmt.Errorf("the plan has no phase %d", i)
	}
	s := newPhaseRun(r, i)
	s.worker = w
	p, err := profileOf(s.Profile)
	switch {
	case err != nil:
		return err
	case p.experiment:
		return p.run(ctx, s)
	case p.whole && s.share.index > 0:
		return nil
	case p.whole:
		s.share = share{}
	}
	err = w.under(ctx, func(ctx context.Context) error { return p.run(ctx, s) })
	r.fleet.ledger.Settle()
	r.fleet.closeAll(leavePatience)
	return err
}

// under runs a function that the coordinator may cancel.
func (w *worker) under(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.mu.Lock()
	w.cancel = cancel
	w.mu.Unlock()
	return do(ctx)
}

// done answers an order, after everything that was counted in it.
func (w *worker) done(err error) error {
	run := &w.runner.run
	d := cluster.Outcome{Instead: w.runner.fleet.unanswering(), Figures: w.runner.figures, Capacities: w.runner.capacities, Problems: run.Problems, Doubts: run.Doubts, Failures: run.Failures}
	w.runner.capacities = nil
	w.runner.figures, run.Problems, run.Doubts, run.Failures = nil, nil, nil, nil
	if err != nil {
		d.Error = err.Error()
	}
	if err := w.sendDelta(); err != nil {
		return err
	}
	return w.link.Send(cluster.Parcel{Done: &d})
}

// sendDelta sends what was counted since the last delta.
func (w *worker) sendDelta() error {
	w.sending.Lock()
	defer w.sending.Unlock()
	b := w.cursor.take()
	return w.link.Send(cluster.Parcel{Delta: &b})
}

func (w *worker) sendDeltas(ctx context.Context) {
	tick := time.NewTicker(deltaEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = w.sendDelta() // an error shows in the goroutine that reads the link
		}
	}
}

// finish closes what is left of the run. Peers leave politely if the coordinator waits for
// it.
func (w *worker) finish() {
	patience := leavePatience
	for range w.orders { // without an effect
	}
	if w.lost {
		patience = 0
	}
	w.runner.fleet.closeAll(patience)
	w.runner.fleet.ledger.Settle()
	_ = w.sendDelta() // fails only if the coordinator is gone
}

// deltaEvery is the time between two deltas of a worker.
const deltaEvery = 250 * time.Millisecond
