package loadgen

import (
	"net/netip"
	"time"
)

// need is what a plan takes against a target, by one process from one address.
func need(p Plan, target string, l Limits) Need {
	n := Need{Sources: 1, Workers: 1, Loopback: isLoopback4(target)}
	held := timeWait
	if l.TimeWaitReuse {
		held = timeWaitReused
	}
	for i := range p.Phases {
		f := &p.Phases[i]
		n.Peers = max(n.Peers, int64(f.atOnce()))
		n.Closing = max(n.Closing, int64(min(float64(f.Peers), f.Rate*held.Seconds())))
	}
	return n
}

// atOnce is how many peers of a phase are connected at once, at most.
func (f *Phase) atOnce() int {
	p, err := profileOf(f.Profile)
	if err != nil || p.stay == nil {
		return f.Peers
	}
	stay := p.stay(f)
	if p.experiment {
		stay *= warmUpStay
	}
	// Those that linger while they close are there, too.
	return min(f.Peers, int(f.Rate*(stay+closePatience).Seconds())+maxAtOnce)
}

// stays is how long a peer of a phase stays, if parameters of these names add up to
// it.
func stays(names ...string) func(*Phase) time.Duration {
	return func(f *Phase) (sum time.Duration) {
		for _, name := range names {
			d, _ := f.duration(name) // checked with the plan
			sum += d
		}
		return sum
	}
}

// preflight looks whether this machine suffices for what it is to do, and chooses what
// is left to choose.
func (r *runner) preflight() error {
	if r.cfg.Recruiter != nil && r.cfg.Recruiter.elsewhere() {
		return nil // each worker looks at its own machine
	}
	list := r.suffice()
	if len(list) == 0 {
		return nil
	}
	if !r.cfg.IgnorePreflight {
		return &PreflightError{list}
	}
	r.warn(list)
	return nil
}

func (r *runner) warn(list []Advice) {
	for _, a := range list {
		r.log.Warn("a machine may not suffice", a.About, a.What, "do", a.Do)
	}
}

// suffice says what of this machine does not suffice for the share of the run. It
// chooses the addresses on a loopback target, and the number of workers.
func (r *runner) suffice() []Advice {
	l := readLimits(r.cfg.Sources, isLoopback4(r.cfg.URL))
	n := need(r.plan, r.cfg.URL, l)
	if of := int64(r.share.of); of > 1 {
		n.Peers, n.Closing = ceil(n.Peers, of), ceil(n.Closing, of)
	}
	if len(r.cfg.Sources) == 0 && n.Loopback && sourcesFor(l, n) > 1 {
		k := sourcesFor(l, n)
		r.cfg.Sources = loopbackSources(k * (r.share.index + 1))[k*r.share.index:]
		r.log.Info("one address has too few ports", "addresses", k)
	}
	if r.cfg.Workers == 0 {
		r.cfg.Workers = 1
		if r.cfg.Recruiter != nil {
			r.cfg.Workers = max(1, workersFor(l, n.Peers))
		}
	}
	n.Sources, n.Workers = int64(max(1, len(r.cfg.Sources))), int64(r.cfg.Workers)
	r.fleet.from.addresses = r.cfg.Sources
	return Preflight(l, n)
}

// strangers returns the addresses that cannot be connected from.
func strangers(list []netip.Addr, has func(netip.Addr) bool) []netip.Addr {
	var missing []netip.Addr
	for _, a := range list {
		if !has(a) {
			missing = append(missing, a)
		}
	}
	return missing
}
