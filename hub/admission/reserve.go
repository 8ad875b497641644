package admission

import (
	"net/netip"
	"time"
)

// maxReserved bounds the reserved ids. Beyond it no other id is reserved.
const maxReserved = 1 << 14

// reservation keeps an id for the source that held it.
type reservation struct {
	source netip.Prefix
	until  time.Duration // since Limiter.began
}

// Reserve keeps an id for addr for Config.Reserve. It does nothing if addr is exempt.
func (l *Limiter) Reserve(id string, addr netip.Addr) {
	source, limited := l.Source(addr)
	if !limited {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cfg.Reserve > 0 && len(l.reserved) < maxReserved {
		l.reserved[id] = reservation{source, time.Since(l.began) + l.cfg.Reserve}
	}
}

// MayHold reports whether addr may hold an id: it is not kept for another address. The
// reservation ends if it is kept for this one.
func (l *Limiter) MayHold(id string, addr netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.reserved[id]
	if !ok {
		return true
	}
	if source, _ := l.Source(addr); source != r.source && time.Since(l.began) < r.until {
		return false
	}
	delete(l.reserved, id)
	return true
}

// Reserved returns how many ids are kept.
func (l *Limiter) Reserved() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.reserved)
}

func (l *Limiter) sweepReservedLocked(at time.Duration) {
	if len(l.reserved) == 0 {
		return
	}
	for id, r := range l.reserved {
		if at >= r.until {
			delete(l.reserved, id)
		}
	}
	if len(l.reserved) == 0 {
		l.reserved = make(map[string]reservation) // a map does not shrink
	}
}
