package loadgen

import "maps"

// moves is how a series went from each reading to the next one.
type moves struct {
	fell bool
	idle int // readings while no peer was there
	rose int // of those, the ones that were higher by more than a reading itself adds
}

// restless reports whether a series rises while no peer is there: it measures bytes or a
// time.
func (m moves) restless() bool { return 3*m.rose > m.idle }

// byReading is what a reading adds to a count: its own connection and what serves it.
const byReading = 16

// noteMoves notes how each series has moved since the reading before. The caller holds
// turn.
func (t *target) noteMoves(now reading) {
	if t.moves == nil {
		t.moves = map[string]moves{}
	}
	idle := t.idle.Load()
	for name, v := range now {
		was, ok := t.last[name]
		if !ok {
			continue
		}
		m := t.moves[name]
		m.fell = m.fell || v < was
		if idle {
			m.idle++
			if v > was+byReading {
				m.rose++
			}
		}
		t.moves[name] = m
	}
	t.last = now
}

// movesOf returns how a series has moved so far.
func (t *target) movesOf(name string) moves {
	t.turn.Lock()
	defer t.turn.Unlock()
	return t.moves[name]
}

// sawFall reports whether a series was seen to fall so far.
func (t *target) sawFall() bool {
	t.turn.Lock()
	defer t.turn.Unlock()
	for _, m := range t.moves {
		if m.fell {
			return true
		}
	}
	return false
}

// resting returns the part of a reading whose series come to rest, as far as is known.
func (t *target) resting(r reading) reading {
	t.turn.Lock()
	defer t.turn.Unlock()
	r = maps.Clone(r)
	maps.DeleteFunc(r, func(name string, _ float64) bool { return t.moves[name].restless() })
	return r
}
