//go:build !unix

package hub

import "math"

// directIO says that sockets can be read and written by descriptor: not here, so
// every session keeps a small read buffer and writes in a goroutine of its own.
const directIO = false

func (t *transport) readChunk(uintptr) bool { return true }

func (t *transport) tryWrite([]byte) (int, error) { return 0, nil }

func descriptorLimit() int { return math.MaxUint16 }
