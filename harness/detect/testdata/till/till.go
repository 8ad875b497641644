// Package till is a target with counters of every kind, for tests. The comment at the end of a line
// marks the line for a test.
package till

import (
	"sync"
	"sync/atomic"
)

// Till is a target.
type Till struct {
	refused  int
	admitted int
	probing  int
	queued   atomic.Int64
	legacy   int64
	level    int
	peak     int
	owed     int
	spent    uint32
	gate     tillGate
	two      tillTwo
	lent     tillMeter
	pawned   tillMeter
	stored   tillMeter
	carried  tillMeter
	loose    int64
	guests   tillCount
	drawer   *drawer
	sessions map[string]bool
	tillBase
}

// tillGate has one number, tillTwo two.
type tillGate struct {
	open bool
	n    int
}

type tillTwo struct{ a, b int }

// tillMeter keeps a count as the difference of two numbers.
type tillMeter struct{ added, taken atomic.Int64 }

func (m *tillMeter) add(n int) {
	if n >= 0 {
		m.added.Add(int64(n))
	} else {
		m.taken.Add(int64(-n))
	}
}

func (m *tillMeter) load() int64 {
	taken := m.taken.Load()
	return m.added.Load() - taken
}

// tillCount has one number behind methods without an amount.
type tillCount struct {
	mu sync.Mutex
	n  int
}

func (c *tillCount) enter() { c.change(1) }

func (c *tillCount) leave() { c.change(-1) }

func (c *tillCount) change(by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += by
}

type tillBase struct{ loans int }

type drawer struct {
	refused int // by another type
	bytes   int
	kept    int
	load    int
	coins   tillStack[int]
}

type tillStack[T any] struct {
	depth int
	all   []T
}

// New returns a Till in which nothing has been counted.
func New() *Till { return &Till{drawer: &drawer{}, sessions: map[string]bool{}} }

func (t *Till) Refuse() {
	t.refused++ // up refused
	if t.drawer.refused++; t.refused > 3 {
		t.refused-- // down refused
	}
}

func (t *Till) Admit() {
	t.reserve(1)        // up admitted
	defer t.reserve(-1) // down admitted
	if !t.probe(1) {    // up probing
		return
	}
	defer t.probe(-1) // down probing
}

func (t *Till) reserve(n int) { t.admitted += n }

func (t *Till) probe(by int) bool { return t.count(by) }

func (t *Till) count(n int) bool {
	t.probing += n
	return t.probing > 0
}

func (t *Till) Queue(b []byte) {
	grown := len(b)
	t.drawer.bytes += grown
	t.queued.Add(int64(grown)) // up queued
}

func (t *Till) Written(n int) {
	t.drawer.bytes -= n
	if n > 1 {
		t.queued.Add(int64(-n)) // down queued
	}
}

func (t *Till) Drop(n int) {
	if n > 0 {
		t.drawer.bytes -= n // alone queued
	}
	t.queued.Add(-1)
}

func (t *Till) Legacy() {
	func() { atomic.AddInt64(&t.legacy, 2) }() // up legacy
	atomic.AddInt64(&t.legacy, -2)             // down legacy
}

func (t *Till) Set(n int) {
	t.level = n                   // up level
	t.level = 0                   // down level
	t.peak = t.peak + n           // up peak
	atomic.AddUint32(&t.spent, 1) // up spent
	atomic.AddUint32(&t.spent, ^uint32(0))
	t.loans++    // up loans
	t.owed -= -n // up owed
	t.sessions["x"] = true
	t.two.a, t.two.b = 1, 2
}

func (g *tillGate) enter() {
	g.n++ // up gate
	g.open = true
}

func (s *tillStack[T]) push(v T) {
	s.all = append(s.all, v)
	s.depth++ // up depth
}

func (t *Till) Gate() {
	t.gate.enter()
	t.drawer.coins.push(1)
}

func (t *Till) Lend(n int) {
	t.lent.add(n)         // up lent
	t.lent.add(-n)        // down lent
	t.pawned.add(len("")) // up pawned
	t.guests.enter()      // up guests
	t.guests.leave()      // down guests
}

// Store sets kept and changes stored by the difference.
func (t *Till) Store(n int) {
	kept := n / 2
	t.stored.add(kept - t.drawer.kept) // up stored
	t.drawer.kept = kept
}

// Forget changes kept without stored.
func (t *Till) Forget() {
	t.drawer.kept = 0 // alone stored
}

// Loosen changes loose.
func (t *Till) Loosen(n int64) {
	t.loose += n // up loose
}

// All returns the sum of pawned and loose.
func (t *Till) All() int64 { return t.pawned.load() + t.loose }

func (t *Till) Carry(n int) {
	t.drawer.load += n
	t.carried.add(n)
}

func (t *Till) Unload() {
	t.carried.add(-t.drawer.load)
	t.drawer.load = 0
}

// Pass changes carried without load.
func (t *Till) Pass(n int) {
	t.carried.add(n) // lone carried
	if n > 1 {
		t.carried.add(-n)
	}
}
