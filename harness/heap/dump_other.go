//go:build !linux || !(amd64 || arm64)

package heap

import (
	"context"
	"os"
	"runtime/debug"
)

// writeHeapDump writes the dump here, which is not without danger: see the one for
// Linux.
func writeHeapDump(_ context.Context, f *os.File) (*heapDump, error) {
	debug.WriteHeapDump(f.Fd())
	return readHeapDump(f)
}

// mapFile has a file in memory.
func mapFile(f *os.File) (raw []byte, unmap func(), err error) {
	raw, err = os.ReadFile(f.Name())
	return raw, func() {}, err
}
