package loadgen

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// counters counts peers by scenario, and errors by their text.
type counters struct {
	mu     sync.Mutex
	list   []verdict.Scenario
	errors map[string]int
}

// maxErrors bounds the error texts that are counted separately.
const maxErrors = 20

func newCounters() *counters { return &counters{errors: map[string]int{}} }

func (t *counters) of(name string) *verdict.Scenario {
	i := slices.IndexFunc(t.list, func(s verdict.Scenario) bool { return s.Name == name })
	if i < 0 {
		i = len(t.list)
		t.list = append(t.list, verdict.Scenario{Name: name})
	}
	return &t.list[i]
}

func (t *counters) planned(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(name).Planned++
}

func (t *counters) landed(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(name).Landed++
}

// callOff takes back what was planned since before and has not landed: the run has ended it, not
// the target.
func (t *counters) callOff(before []verdict.Scenario) {
	t.mu.Lock()
	defer t.mu.Unlock()
	missed := map[string]int64{}
	for _, s := range before {
		missed[s.Name] = s.Planned - s.Landed
	}
	for i := range t.list {
		s := &t.list[i]
		s.Planned = min(s.Planned, s.Landed+missed[s.Name])
	}
}

func (t *counters) failed(name string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := fmt.Sprintf("%s: %v", name, withoutAddress(err))
	if _, known := t.errors[text]; !known && len(t.errors) >= maxErrors {
		text = "others"
	}
	t.errors[text]++
}

// scenarios returns the counts so far, in the order of the first peers.
func (t *counters) scenarios() []verdict.Scenario {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.list)
}

// withoutAddress removes the addresses from a network error, because the local port makes
// each text different.
func withoutAddress(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return fmt.Errorf("%s: %w", op.Op, op.Err)
	}
	return err
}

// errorsSeen returns how often each error occurred.
func (t *counters) errorsSeen() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.errors)
}

// failures returns the number of errors.
func (t *counters) failures() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, times := range t.errors {
		n += times
	}
	return n
}

// take returns the counts and begins anew.
func (t *counters) take() ([]verdict.Scenario, map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list, errors := t.list, t.errors
	t.list, t.errors = nil, map[string]int{}
	return list, errors
}

// add adds the counts of another process.
func (t *counters) add(list []verdict.Scenario, errors map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range list {
		o := t.of(s.Name)
		o.Planned += s.Planned
		o.Landed += s.Landed
	}
	for text, n := range errors {
		if _, known := t.errors[text]; !known && len(t.errors) >= maxErrors {
			text = "others"
		}
		t.errors[text] += n
	}
}
