// Package admission limits how much of a hub one address may take, and keeps an id for
// the address that held it. It knows no hub.
//
//	l := admission.New(admission.Config{Sessions: 500, PrefixSessions: 750, Rate: 100, Burst: 1000})
//	if !l.Enter(addr) {
//		return // refuse it
//	}
//	defer l.Leave(addr)
//
// An address is an IPv4 address, or an IPv6 network of 64 bits, because that is what one
// subscriber has. A prefix is the /24 or the /48 around it. Loopback and private
// addresses are exempt unless configured: they are of proxies and containers, behind
// which there may be any number of peers, and of tests.
package admission

import (
	"net/netip"
	"sync"
	"time"
)

// Config configures a Limiter. A number that is 0 or less does not limit.
type Config struct {
	Sessions       int            // of one address at once
	PrefixSessions int            // of one prefix at once
	Rate           float64        // new sessions of one address a second
	Burst          int            // new sessions of one address at once; needed if Rate is set
	Reserve        time.Duration  // how long an id is kept for the address that held it
	Exempt         []netip.Prefix // addresses without limits; nil stands for DefaultExempt
}

// DefaultExempt returns loopback, link-local and private addresses.
func DefaultExempt() []netip.Prefix {
	var list []netip.Prefix
	for _, p := range []string{
		"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10",
	} {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}

// maxSources bounds the table. Above it a new address is admitted without being counted, because
// limits by address do not stop a client with so many addresses.
const maxSources = 1 << 17

// Limiter counts the sessions of each address. Its methods may be called concurrently.
type Limiter struct {
	exempt []netip.Prefix
	began  time.Time

	mu       sync.Mutex
	cfg      Config
	sources  map[netip.Prefix]*source // addresses and prefixes
	sessions int                      // of all addresses
	reserved map[string]reservation   // by id
}

// source is one address or prefix.
type source struct {
	sessions int
	tokens   float64       // new sessions that it may begin
	at       time.Duration // when tokens was right, since Limiter.began
}

// New returns a Limiter. It starts no goroutine: the caller calls Sweep now and then.
func New(cfg Config) *Limiter {
	if cfg.Exempt == nil {
		cfg.Exempt = DefaultExempt()
	}
	return &Limiter{exempt: cfg.Exempt, cfg: cfg, began: time.Now(), sources: make(map[netip.Prefix]*source), reserved: make(map[string]reservation)}
}

// SetLimits replaces the configuration, but for Exempt. Sessions that are counted already
// stay so.
func (l *Limiter) SetLimits(cfg Config) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cfg = cfg
}

// Enter counts a session of addr and reports whether it is within the limits. If it
// is, the caller calls Leave with the same addr when the session has ended. An invalid
// addr is exempt.
func (l *Limiter) Enter(addr netip.Addr) bool {
	if l.isExempt(addr) {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := time.Since(l.began)
	one, wide := l.sourceLocked(address(addr), at), l.sourceLocked(prefix(addr), at)
	if one == nil || wide == nil {
		return true
	}
	one.refill(l.cfg, at)
	switch {
	case l.cfg.Sessions > 0 && one.sessions >= l.cfg.Sessions,
		l.cfg.PrefixSessions > 0 && wide.sessions >= l.cfg.PrefixSessions,
		l.cfg.Rate > 0 && one.tokens < 1:
		return false
	}
	if l.cfg.Rate > 0 {
		one.tokens--
	}
	l.sessions++
	one.sessions++
	wide.sessions++
	return true
}

// Leave undoes what Enter counted.
func (l *Limiter) Leave(addr netip.Addr) {
	if l.isExempt(addr) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	one, wide := l.sources[address(addr)], l.sources[prefix(addr)]
	if one == nil || wide == nil || one.sessions == 0 {
		return // it was let in without being counted
	}
	l.sessions--
	one.sessions--
	wide.sessions--
}

// Source returns the address, or the network of one subscriber, that the limits of addr
// go by. It reports false if addr is exempt.
func (l *Limiter) Source(addr netip.Addr) (source netip.Prefix, limited bool) {
	if l.isExempt(addr) {
		return netip.Prefix{}, false
	}
	return address(addr), true
}

// Sweep forgets the addresses that have no session and may begin as many new ones as
// an unknown address, and the ids that are not kept any longer.
func (l *Limiter) Sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := time.Since(l.began)
	l.sweepReservedLocked(at)
	for key, s := range l.sources {
		if s.sessions > 0 {
			continue
		}
		if s.refill(l.cfg, at); s.tokens >= float64(l.cfg.Burst) {
			delete(l.sources, key)
		}
	}
}

// Count returns how many addresses and prefixes are known, and how many sessions of
// addresses are counted.
func (l *Limiter) Count() (sources, sessions int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sources), l.sessions
}

func (l *Limiter) isExempt(addr netip.Addr) bool {
	if !addr.IsValid() {
		return true
	}
	addr = addr.Unmap().WithZone("")
	for _, p := range l.exempt {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// sourceLocked returns the source of a key, or nil if it is unknown and the table is full.
func (l *Limiter) sourceLocked(key netip.Prefix, at time.Duration) *source {
	s := l.sources[key]
	if s == nil && len(l.sources) < maxSources {
		s = &source{tokens: float64(l.cfg.Burst), at: at}
		l.sources[key] = s
	}
	return s
}

// refill sets the tokens to what they are at a time. Without a rate they do not count.
func (s *source) refill(cfg Config, at time.Duration) {
	if s.tokens += cfg.Rate * (at - s.at).Seconds(); cfg.Rate <= 0 {
		s.tokens = float64(cfg.Burst)
	}
	s.tokens = min(float64(cfg.Burst), s.tokens)
	s.at = at
}

// address returns the key of an address.
func address(addr netip.Addr) netip.Prefix { return cut(addr, 32, 64) }

// prefix returns the key of the prefix around an address.
func prefix(addr netip.Addr) netip.Prefix { return cut(addr, 24, 48) }

func cut(addr netip.Addr, bits4, bits6 int) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := bits6
	if addr.Is4() {
		bits = bits4
	}
	p, _ := addr.Prefix(bits) // cannot fail: bits are within the address
	return p
}
