package admin

import (
	"sync"
	"time"
)

// auditEvery is the shortest time between two checks of the invariants for metrics.
const auditEvery = time.Minute

// audit counts violated invariants. A check holds the hub's lock, so scrapes within
// auditEvery share one.
type audit struct {
	check func() error

	mu         sync.Mutex
	checked    time.Time
	violations int
}

func (a *audit) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.checked.IsZero() || time.Since(a.checked) >= auditEvery {
		a.violations = 0
		if err := a.check(); err != nil {
			a.violations = len(texts(err))
		}
		a.checked = time.Now()
	}
	return a.violations
}
