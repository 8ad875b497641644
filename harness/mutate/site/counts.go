package site

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync/atomic"
)

// MostMutants is how many mutants a program may have.
const MostMutants = 1 << 15

// Count is what came of one mutant.
type Count struct {
	Reached int64 // times that its code has run
	Kept    int64 // times that it retained something, or would have if it were on
}

// counts are two for each mutant. They are nil unless EnvCounts is set.
var counts = mapCounts(os.Getenv(EnvCounts))

// counting means that all mutants are counted and none is on.
var counting = counts != nil && on == 0

func reached(n int) bool {
	if counts != nil {
		atomic.AddInt64(&counts[2*n], 1)
	}
	return true
}

// kept counts, and reports whether the mutant is on.
func kept(n int) bool {
	if counts != nil {
		atomic.AddInt64(&counts[2*n+1], 1)
	}
	return n == on
}

// Read returns the counts of mutants 0 to n from the file that EnvCounts of a program
// names, which may be running.
func Read(file string, n int) ([]Count, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("site: %w", err)
	}
	if len(b) < 16*(n+1) {
		return nil, fmt.Errorf("site: %s has %d bytes, so no counts of %d mutants", file, len(b), n)
	}
	list := make([]Count, n+1)
	for i := range list {
		list[i].Reached = int64(binary.NativeEndian.Uint64(b[16*i:]))
		list[i].Kept = int64(binary.NativeEndian.Uint64(b[16*i+8:]))
	}
	return list, nil
}
