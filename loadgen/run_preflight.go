package loadgen

import (
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/preflight"
)

// need returns what a plan takes against a target, from one process and one address.
func need(p plan.Plan, target string, l preflight.Limits) preflight.Need {
	n := preflight.Need{Sources: 1, Workers: 1, Loopback: preflight.IsLoopback4(target)}
	held := preflight.TimeWait
	if l.TimeWaitReuse {
		held = preflight.TimeWaitReused
	}
	for i := range p.Phases {
		f := &p.Phases[i]
		n.Peers = max(n.Peers, int64(atOnce(f)))
		n.Closing = max(n.Closing, int64(min(float64(f.Peers), f.Rate*held.Seconds())))
	}
	return n
}

// atOnce returns how many peers of a phase are connected at the same time, at most.
func atOnce(f *plan.Phase) int {
	p, err := profileOf(f.Profile)
	if err != nil || p.stay == nil {
		return f.Peers
	}
	stay := p.stay(f)
	if p.experiment {
		stay *= warmUpStay
	}
	// Peers whose connections are closing count, too.
	return min(f.Peers, int(f.Rate*(stay+closePatience).Seconds())+maxAtOnce)
}

// stays returns the time that a peer of a phase stays, as the sum of parameters.
func stays(names ...string) func(*plan.Phase) time.Duration {
	return func(f *plan.Phase) (sum time.Duration) {
		for _, name := range names {
			d, _ := f.DurationOf(name) // checked with the plan
			sum += d
		}
		return sum
	}
}

// preflight checks that this machine suffices for the run, and chooses what is left open.
func (r *runner) preflight() error {
	if r.cfg.Recruiter != nil && r.cfg.Recruiter.Elsewhere() {
		return nil // each worker checks its own machine
	}
	list := r.suffice()
	if len(list) == 0 {
		return nil
	}
	if !r.cfg.IgnorePreflight {
		return &preflight.Error{List: list}
	}
	r.warn(list)
	return nil
}

// warn logs advice that the user ignores.
func (r *runner) warn(list []preflight.Advice) {
	for _, a := range list {
		r.log.Warn("a machine may not suffice", a.About, a.What, "do", a.Do)
	}
}

// fit lowers the peers of elastic phases to those that this machine allows, and their networks
// with them.
func (r *runner) fit(l preflight.Limits) {
	for i := range r.plan.Phases {
		f := &r.plan.Phases[i]
		if p, err := profileOf(f.Profile); err != nil || !p.elastic || r.cfg.IgnorePreflight {
			continue
		}
		n := need(plan.Plan{Phases: []plan.Phase{*f}}, r.cfg.URL, l)
		most := int(preflight.MostPeers(l, n, len(r.cfg.Sources)))
		if most < 2 || most >= f.Peers {
			continue // Check reports what is missing
		}
		r.log.Warn("peers lowered to what this machine allows", "profile", f.Profile, "peers", f.Peers, "to", most)
		f.Networks = max(1, f.Networks*most/f.Peers)
		f.Peers = most
	}
}

// suffice returns what of this machine does not suffice for the share of the run. It
// chooses the addresses on a loopback target, and the number of workers.
func (r *runner) suffice() []preflight.Advice {
	l := preflight.ReadLimits(r.cfg.Sources, preflight.IsLoopback4(r.cfg.URL))
	r.fit(l)
	n := need(r.plan, r.cfg.URL, l)
	if of := int64(r.share.of); of > 1 {
		n.Peers, n.Closing = preflight.Ceil(n.Peers, of), preflight.Ceil(n.Closing, of)
	}
	if len(r.cfg.Sources) == 0 && n.Loopback && preflight.SourcesFor(l, n) > 1 {
		k := preflight.SourcesFor(l, n)
		r.cfg.Sources = preflight.LoopbackSources(k * (r.share.index + 1))[k*r.share.index:]
		r.log.Info("one address has too few ports", "addresses", k)
	}
	if r.cfg.Workers == 0 {
		r.cfg.Workers = 1
		if r.cfg.Recruiter != nil {
			r.cfg.Workers = max(1, preflight.WorkersFor(l, n.Peers))
		}
	}
	n.Sources, n.Workers = int64(max(1, len(r.cfg.Sources))), int64(r.cfg.Workers)
	r.fleet.from.addresses = r.cfg.Sources
	return preflight.Check(l, n)
}
