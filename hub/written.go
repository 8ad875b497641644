package hub

import "sync"

// written counts the bytes handed to the socket. A write that does not block and its
// count are one step for a goroutine that compares the count with what the socket holds.
type written struct {
	mu    sync.Mutex
	bytes int64
}

// by calls write, which does not block, and counts.
func (w *written) by(write func([]byte) (int, error), p []byte) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err = write(p)
	w.bytes += int64(n)
	return n, err
}

func (w *written) add(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes += int64(n)
}

// less returns the count minus what held returns at that time.
func (w *written) less(held func() int64) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes - held()
}
