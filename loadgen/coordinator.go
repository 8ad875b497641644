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
	doneGrace     = leavePatience + 10*time.Second // to end what it is doing
)

// coordinator has workers do a run. It enters their books in those of the run, so that
// whoever reads these sees the whole. It may be nil: then there are no workers, and
// its methods do nothing, or what this process does alone.
type coordinator struct {
	runner  *runner
	members []*member
	lost    func(error) // ends the run, for this reason
	closing sync.Once

	mu      sync.Mutex
	failure error // the first worker that was lost before its time
	over    bool  // the run is, and workers may go
}

// member is one worker.
type member struct {
	number int // from 1
	link   cluster.Link
	ready  chan cluster.Ready
	done   chan cluster.Outcome
	gone   chan struct{} // closed when there are no more parcels of it
}

// recruit gets the workers of the run, if it has any, and gives each its share. The
// context that it returns ends when one of them is lost.
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

// begin gives each worker its share, and waits until all can begin.
func (c *coordinator) begin(ctx context.Context) error {
	cfg := &c.runner.cfg
	for i, m := range c.members {
		j := cluster.Job{URL: cfg.URL, Plan: c.runner.plan, Index: i, Of: len(c.members), Preflight: cfg.Recruiter.Elsewhere()}
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

// listen takes the parcels of a worker until there are no more.
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

// leave notes that a worker has gone. Before the run is over that ends it.
func (c *coordinator) leave(m *member, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || c.failure != nil {
		return
	}
	c.failure = fmt.Errorf("worker %d of %d (%s) was lost: %w", m.number, len(c.members), m.link.Name(), err)
	c.lost(c.failure)
}

// phase has all workers do a phase. It returns when they have.
func (c *coordinator) phase(ctx context.Context, i int) error {
	c.send(cluster.Parcel{Order: &cluster.Order{Phase: i}})
	return c.wait(ctx)
}

// experiment has all workers make ready for the blocks of an experiment. It returns
// what ends that.
func (c *coordinator) experiment(i int) (end func()) {
	if c == nil {
		return func() {}
	}
	c.send(cluster.Parcel{Order: &cluster.Order{Phase: i}})
	return func() {
		c.send(cluster.Parcel{Order: &cluster.Order{Phase: i, End: true}})
		ctx, cancel := context.WithTimeout(context.Background(), doneGrace)
		defer cancel()
		_ = c.wait(ctx) // who is lost meanwhile is known
	}
}

// block has a block of an experiment done, beside what is on the agenda of this
// process.
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

// send sends to all. Who cannot be reached is lost, which its listener finds out.
func (c *coordinator) send(f cluster.Parcel) {
	for _, m := range c.members {
		_ = m.link.Send(f)
	}
}

// wait waits until all have done what they were told to. When ctx ends they are told
// to come to an end, which is no error.
func (c *coordinator) wait(ctx context.Context) error {
	var errs []error
	for _, m := range c.members {
		select {
		case d := <-m.done:
			errs = append(errs, c.enter(m, d))
			continue
		case <-m.gone:
			continue // which ends the run
		case <-ctx.Done():
		}
		_ = m.link.Send(cluster.Parcel{Cancel: true})
		timer := time.NewTimer(doneGrace)
		select {
		case d := <-m.done:
			errs = append(errs, c.enter(m, d))
		case <-m.gone:
		case <-timer.C:
			c.leave(m, fmt.Errorf("it does not come to an end within %s", doneGrace))
		}
		timer.Stop()
	}
	return errors.Join(errs...)
}

// enter adds what a worker found.
func (c *coordinator) enter(m *member, d cluster.Outcome) error {
	r := c.runner
	r.figures = report.MergeFigures(r.figures, d.Figures)
	r.run.Problems = append(r.run.Problems, d.Problems...)
	r.run.Doubts = append(r.run.Doubts, d.Doubts...)
	r.run.Failures = append(r.run.Failures, d.Failures...)
	if d.Error != "" {
		return fmt.Errorf("worker %d (%s): %s", m.number, m.link.Name(), d.Error)
	}
	return nil
}

// close ends all workers, and returns when none is left and all books are entered.
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

// problems says which worker was lost: what it counted last, nobody knows.
func (c *coordinator) problems() []verdict.Reason {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure == nil {
		return nil
	}
	return []verdict.Reason{{About: "workers", What: c.failure.Error(), Do: "look at why it ended, and run again"}}
}

// add enters the books of another process.
func (r *runner) add(b cluster.Delta) {
	f := r.fleet
	f.sent.Add(b.Counts.Sent)
	f.received.Add(b.Counts.Received)
	f.cut.Add(b.Counts.Cut)
	f.mu.Lock()
	f.dialled += b.Counts.Lives
	f.elsewhere += int(b.Counts.Open)
	f.mu.Unlock()
	f.ledger.Add(b.Deliveries)
	b.Times.Shift(time.Since(b.At)) // to the clock of this machine
	f.rec.Merge(b.Times)
	r.counters.add(b.Scenarios, b.Errors)
}
