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
	// Those that linger while they close are there, too.
	return min(f.Peers, int(f.Rate*(p.stay(f)+closePatience).Seconds())+maxAtOnce)
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

// preflight looks whether this machine suffices, and chooses the addresses on a loopback
// target.
func (r *runner) preflight() error {
	l := readLimits(r.cfg.Sources, isLoopback4(r.cfg.URL))
	n := need(r.plan, r.cfg.URL, l)
	if len(r.cfg.Sources) == 0 && n.Loopback && sourcesFor(l, n) > 1 {
		r.cfg.Sources = loopbackSources(sourcesFor(l, n))
		r.log.Info("one address has too few ports", "addresses", len(r.cfg.Sources))
	}
	n.Sources = int64(max(1, len(r.cfg.Sources)))
	r.fleet.from.addresses = r.cfg.Sources
	list := Preflight(l, n)
	if len(list) == 0 {
		return nil
	}
	if !r.cfg.IgnorePreflight {
		return &PreflightError{list}
	}
	for _, a := range list {
		r.log.Warn("this machine may not suffice", a.About, a.What, "do", a.Do)
	}
	return nil
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
