package loadgen

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
	"github.com/pigeonhub/pigeonhub/loadgen/preflight"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// How long a worker may take to answer.
const (
	readyPatience = 30 * time.Second
	doneGrace     = leavePatience + 10*time.Second // after a cancel
)

// coordinator lets workers run a plan, and adds their counts to those of the run. Without
// workers it is nil: its methods then do nothing, or only what this process does.
type coordinator struct {
	runner  *runner
	members []*member
	lost    func(error) // ends the run, for this reason
	closing sync.Once

	mu      sync.Mutex
	failure error // the first worker that was lost before its time
	over    bool  // the run has ended, and workers may go
}

// member is one worker.
type member struct {
	number int // from 1
	link   cluster.Link
	ready  chan cluster.Ready
	done   chan cluster.Outcome
	gone   chan struct{} // closed after its last parcel
}

// recruit recruits the workers of the run, if it has any, and gives each one its share. The
// returned context ends when a worker is lost.
func (r *runner) recruit(ctx context.Context) (context.Context, *coordinator, error) {
	cfg := &r.cfg
	if cfg.Recruiter == nil || cfg.Workers <= 1 && !cfg.Recruiter.Elsewhere() {
		return ctx, nil, nil
	}
	for i := range r.plan.Phases {
		if f := &r.plan.Phases[i]; f.Peers < leastPeers*cfg.Workers {
			return ctx, nil, fmt.Errorf("%s: peers is %d, must be at least %d for %d workers", f.Profile, f.Peers, leastPeers*cfg.Workers, cfg.Workers)
		}
	}
	links, err := cfg.Recruiter.Recruit(ctx, cfg.Workers, r.log)
	if err != nil {
		return ctx, nil, fmt.Errorf("workers: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	c := &coordinator{runner: r, lost: cancel}
	for i, l := range links {
		m := &member{number: i + 1, link: l, ready: make(chan cluster.Ready, 1), done: make(chan cluster.Outcome, 1), gone: make(chan struct{})}
		c.members = append(c.members, m)
		go c.listen(m)
	}
	if err := c.begin(ctx); err != nil {
		c.close()
		return ctx, nil, err
	}
	r.log.Info("workers are ready", "number", len(links))
	return ctx, c, nil
}

// begin gives each worker its share, and waits until all are ready.
func (c *coordinator) begin(ctx context.Context) error {
	cfg := &c.runner.cfg
	for i, m := range c.members {
		j := cluster.Job{URL: cfg.URL, Plan: cfg.Plan, Index: i, Of: len(c.members), Preflight: cfg.Recruiter.Elsewhere()}
		if !j.Preflight {
			j.Sources = cfg.Sources
		}
		if err := m.link.Send(cluster.Parcel{Job: &j}); err != nil {
			return fmt.Errorf("worker %d: %w", m.number, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	for _, m := range c.members {
		select {
		case a := <-m.ready:
			if err := c.admit(m, a); err != nil {
				return err
			}
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
				return cause
			}
			return fmt.Errorf("worker %d (%s) does not answer", m.number, m.link.Name())
		}
	}
	return nil
}

func (c *coordinator) admit(m *member, a cluster.Ready) error {
	switch {
	case a.Error != "":
		return fmt.Errorf("worker %d (%s): %s", m.number, m.link.Name(), a.Error)
	case len(a.Advice) == 0:
	case c.runner.cfg.IgnorePreflight:
		c.runner.warn(a.Advice)
	default:
		return fmt.Errorf("worker %d (%s, host %s): %w", m.number, m.link.Name(), a.Host, &preflight.Error{List: a.Advice})
	}
	return nil
}

// listen receives the parcels of a worker until there are no more.
func (c *coordinator) listen(m *member) {
	defer close(m.gone)
	for {
		f, err := m.link.Receive()
		switch {
		case err != nil:
			c.leave(m, err)
			return
		case f.Delta != nil:
			c.runner.add(*f.Delta)
		case f.Ready != nil:
			m.ready <- *f.Ready
		case f.Done != nil:
			m.done <- *f.Done
		}
	}
}

// leave records that a worker has gone. Before the end of the run, that ends the run.
func (c *coordinator) leave(m *member, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || c.failure != nil {
		return
	}
	c.failure = fmt.Errorf("worker %d of %d (%s) was lost: %w", m.number, len(c.members), m.link.Name(), err)
	c.lost(c.failure)
}

// phase lets all workers run a phase, and returns when they have.
func (c *coordinator) phase(ctx context.Context, i int) error {
	c.send(cluster.Parcel{Order: &cluster.Order{Phase: i}})
	return c.wait(ctx)
}

// experiment makes all workers ready for the blocks of an experiment. end releases them.
func (c *coordinator) experiment(i int) (end func()) {
	if c == nil {
		return func() {}
	}
	c.send(cluster.Parcel{Order: &cluster.Order{Phase: i}})
	return func() {
		c.send(cluster.Parcel{Order: &cluster.Order{Phase: i, End: true}})
		ctx, cancel := context.WithTimeout(context.Background(), doneGrace)
		defer cancel()
		_ = c.wait(ctx) // a worker that is lost is reported by problems
	}
}

// block lets the workers run a block of an experiment, beside the schedule of this process.
func (c *coordinator) block(ctx context.Context, i int, place uint64, a *schedule.Schedule) {
	if c == nil {
		a.Run(ctx)
		return
	}
	c.send(cluster.Parcel{Order: &cluster.Order{Phase: i, Block: &place}})
	a.Run(ctx)
	if err := c.wait(ctx); err != nil {
		c.runner.run.Problems = append(c.runner.run.Problems, verdict.Reason{About: "workers", What: err.Error()})
	}
}

// send sends a parcel to all workers. One that cannot be reached is lost, which listen
// reports.
func (c *coordinator) send(f cluster.Parcel) {
	for _, m := range c.members {
		_ = m.link.Send(f)
	}
}

// wait waits until all workers have run their order. If ctx ends it cancels the order,
// which is not an error.
func (c *coordinator) wait(ctx context.Context) error {
	var errs []error
	for _, m := range c.members {
		select {
		case d := <-m.done:
			errs = append(errs, c.enter(m, d))
			continue
		case <-m.gone:
			continue // that ends the run
		case <-ctx.Done():
		}
		_ = m.link.Send(cluster.Parcel{Cancel: true})
		timer := time.NewTimer(doneGrace)
		select {
		case d := <-m.done:
			errs = append(errs, c.enter(m, d))
		case <-m.gone:
		case <-timer.C:
			c.leave(m, fmt.Errorf("it did not end its work within %s", doneGrace))
		}
		timer.Stop()
	}
	return errors.Join(errs...)
}

// enter adds what a worker found.
func (c *coordinator) enter(m *member, d cluster.Outcome) error {
	r := c.runner
	if d.Instead != "" {
		r.fleet.instead.CompareAndSwap(nil, &d.Instead)
	}
	r.figures = report.MergeFigures(r.figures, d.Figures)
	r.capacities = append(r.capacities, d.Capacities...)
	r.run.Problems = append(r.run.Problems, d.Problems...)
	r.run.Doubts = append(r.run.Doubts, d.Doubts...)
	r.run.Failures = append(r.run.Failures, d.Failures...)
	if d.Error != "" {
		return fmt.Errorf("worker %d (%s): %s", m.number, m.link.Name(), d.Error)
	}
	return nil
}

// close ends all workers. It returns when none is left and all their counts are added.
func (c *coordinator) close() {
	if c == nil {
		return
	}
	c.closing.Do(func() {
		c.mu.Lock()
		c.over = true
		c.mu.Unlock()
		c.send(cluster.Parcel{Stop: true})
		var ends sync.WaitGroup
		for _, m := range c.members {
			ends.Go(func() {
				timer := time.NewTimer(cluster.CloseGrace)
				defer timer.Stop()
				select {
				case <-m.gone:
				case <-timer.C:
				}
				m.link.Close(0)
				<-m.gone
			})
		}
		ends.Wait()
		c.lost(nil) // releases the context
	})
}

// problems reports the worker that was lost: its last counts are not known.
func (c *coordinator) problems() []verdict.Reason {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure == nil {
		return nil
	}
	return []verdict.Reason{{About: "workers", What: c.failure.Error(), Do: "find out why it ended, and run again"}}
}

// add adds the counts of another process.
func (r *runner) add(b cluster.Delta) {
	f := r.fleet
	f.sent.Add(b.Counts.Sent)
	f.received.Add(b.Counts.Received)
	f.cut.Add(b.Counts.Cut)
	f.ignored.Add(b.Counts.Ignored)
	f.withheld.Add(b.Counts.Withheld)
	f.mu.Lock()
	f.dialled += b.Counts.Lives
	f.elsewhere += int(b.Counts.Open)
	f.mu.Unlock()
	f.ledger.Add(b.Deliveries)
	r.own.add(b.Counts)
	b.Times.Shift(time.Since(b.At)) // to the clock of this machine
	f.rec.Merge(b.Times)
	r.counters.add(b.Scenarios, b.Errors)
}
