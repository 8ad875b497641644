package harness

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// JoinResidents connects the residents of all scenarios. Send then sends them events, and
// LeaveResidents disconnects them. If it fails, Release drops those that have joined.
func (c *Crowd) JoinResidents(ctx context.Context) error {
	c.residents = make([][]*resident, len(c.Scenarios))
	for i, s := range c.Scenarios {
		var away *sync.Mutex
		for n := range s.Residents {
			if n%2 == 0 {
				away = new(sync.Mutex)
			}
			peer := NewPeer(dialled{c.Target, c, s.Name}, fmt.Sprintf("%s %d", s.Name, n), c.id(i, 0, n))
			r := &resident{Peer: peer, home: fmt.Sprintf("%s-0-%d", s.Name, n/2), away: away, foreign: c.Join}
			r.HubKey = c.Token
			if err := r.join(ctx, c.lifeLimit()); err != nil {
				return err
			}
			c.residents[i] = append(c.residents[i], r)
		}
	}
	return nil
}

// LeaveResidents disconnects the residents, every second one with a goodbye. It returns how many
// left as they should, and an error for each one that did not.
func (c *Crowd) LeaveResidents(ctx context.Context) (left int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.lifeLimit())
	defer cancel()
	var errs []error
	for _, of := range c.residents {
		for n, r := range of {
			if err := r.leave(ctx, n%2 == 0); err != nil {
				errs = append(errs, err)
				continue
			}
			left++
		}
	}
	c.dropResidents()
	return left, errors.Join(errs...)
}

// dropResidents closes the connections of residents that are left.
func (c *Crowd) dropResidents() {
	for _, of := range c.residents {
		for _, r := range of {
			r.dropAll()
			r.reader.Wait()
		}
	}
	c.residents = nil
}

// residentsOf returns the residents of a scenario by its index.
func (c *Crowd) residentsOf(scenario int) []*resident {
	if c.residents == nil {
		return nil
	}
	return c.residents[scenario]
}

// errNoResidents is the error of events before JoinResidents.
var errNoResidents = errors.New("the residents have not joined")

// befall lets a resident see every n-th of the events of a cycle, where n is the number of
// residents of its scenario.
func (c *Crowd) befall(ctx context.Context, cycle, scenario, which int, events int64, a *arrivals) {
	s, all := c.Scenarios[scenario], c.residentsOf(scenario)
	if len(all) == 0 {
		a.add(s.Name, errNoResidents)
		return
	}
	for i := which; i < int(events); i += len(all) {
		a.add(s.Name, c.event(ctx, cycle, scenario, i, all[which], &a.opened[scenario]))
	}
}

// reviveResidents joins the residents again that have lost their connections.
func (c *Crowd) reviveResidents(ctx context.Context) (err error) {
	for _, of := range c.residents {
		for _, r := range of {
			err = errors.Join(err, r.revive(ctx, c.lifeLimit()))
		}
	}
	return err
}

// event lets a resident see one event.
func (c *Crowd) event(ctx context.Context, cycle, scenario, index int, r *resident, opened *atomic.Int64) error {
	ctx, cancel := context.WithTimeout(ctx, c.lifeLimit())
	defer cancel()
	if err := ctx.Err(); err != nil {
		return err
	}
	r.opened = opened
	if err := r.revive(ctx, c.lifeLimit()); err != nil {
		return err
	}
	r.inbox.begin()
	defer r.inbox.end()
	defer r.dropBeside()
	s := c.Scenarios[scenario]
	return s.Live(ctx, &Visit{
		Peer: r.Peer, Index: index, Cycle: cycle, HubKey: c.HubKey, Home: r.home,
		Rand:  c.rand(scenario, cycle, index),
		Other: c.id(scenario, cycle, s.Residents+index), resident: r,
	})
}
