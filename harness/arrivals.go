package harness

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Arrivals counts the peers of a crowd.
type Arrivals struct {
	Planned map[string]int64   // peers by scenario, or events of residents
	Landed  map[string]int64   // of these, the ones that followed the scenario
	Errors  map[string][]error // the first few errors of the others

	Sessions map[string]int64 // connections that they opened, by scenario

	events int64 // of residents that landed
}

// mostArrivalErrors bounds the errors that are kept for a scenario.
const mostArrivalErrors = 3

// arrivals collects the results of lives.
type arrivals struct {
	opened []atomic.Int64 // by scenario

	mu sync.Mutex
	Arrivals
}

func (a *arrivals) add(scenario string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil:
		a.Landed[scenario]++
	case len(a.Errors[scenario]) < mostArrivalErrors:
		a.Errors[scenario] = append(a.Errors[scenario], err)
	}
}

// Lives returns how many peers landed in all scenarios, without the residents.
func (a Arrivals) Lives() (total int64) {
	for _, n := range a.Landed {
		total += n
	}
	return total - a.events
}

// Err returns the first error of a scenario with its counts, nil if all peers landed.
func (a Arrivals) Err() error {
	for _, name := range slices.Sorted(maps.Keys(a.Errors)) {
		return fmt.Errorf("%d of %d peers of scenario %s landed: %w", a.Landed[name], a.Planned[name], name, a.Errors[name][0])
	}
	return nil
}
