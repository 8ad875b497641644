package admission

import "sync"

// Tally counts sessions by key, for example by the subject of their token. The zero value is empty.
// Its methods may be called concurrently.
type Tally struct {
	mu     sync.Mutex
	counts map[string]int // none is 0
}

// Enter counts a session of key and reports whether it is within the limit, if that is above 0.
// If it is, the caller calls Leave with the same key when the session has ended. An empty key is
// not counted.
func (t *Tally) Enter(key string, limit int) bool {
	if key == "" {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case limit > 0 && t.counts[key] >= limit:
		return false
	case t.counts == nil:
		t.counts = make(map[string]int)
	}
	t.counts[key]++
	return true
}

// Leave undoes what Enter counted.
func (t *Tally) Leave(key string) {
	if key == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts[key]--; t.counts[key] <= 0 {
		delete(t.counts, key)
	}
	if len(t.counts) == 0 {
		t.counts = nil // a map keeps the memory of its peak
	}
}

// Len returns the number of keys with a session.
func (t *Tally) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.counts)
}
