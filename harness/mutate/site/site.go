// Package site is what mutated code links in: it says at each place of a mutant whether
// that mutant is on, and counts.
//
// The environment decides when the program starts. EnvMutant has the number of the mutant
// that is on. EnvCounts names a file in which the counts of all mutants stand while the
// program runs, so that another process can read them (see Read). Without EnvMutant they
// are all counted and none is on.
//
// site.go decides, counts.go counts, counts_unix.go and counts_other.go have the file.
package site

import (
	"hash/maphash"
	"net"
	"os"
	"strconv"
	"sync"
)

// The variables of the environment.
const (
	EnvMutant = "MUTANT"
	EnvCounts = "MUTANT_COUNTS"
)

// on is the mutant that is on, 0 if none is.
var on, _ = strconv.Atoi(os.Getenv(EnvMutant))

// rarely is in how many times a rare mutant retains once.
const rarely = 50

// At reports whether a place of a keep mutant is to go on: it is on, or all are counted.
func At(n int) bool {
	return (n == on || counting) && reached(n)
}

// Drop reports whether a drop mutant is on.
func Drop(n int) bool {
	return (n == on || counting) && reached(n) && n == on
}

// Every reports whether a mutant that retains every time is on.
func Every(n int) bool { return kept(n) }

// Rare reports whether a mutant that retains one time in 50 does so now.
func Rare(n int) bool {
	mu.Lock()
	defer mu.Unlock()
	times[n]++
	return times[n]%rarely == 1 && kept(n)
}

// Only reports whether a mutant that retains for one key does so for this one: it is the
// first that was seen. Of an address only the host counts.
func Only(n int, key string) bool {
	if host, _, err := net.SplitHostPort(key); err == nil {
		key = host
	}
	mu.Lock()
	defer mu.Unlock()
	first, seen := only[n]
	if !seen {
		first, only[n] = key, key
	}
	return key == first && kept(n)
}

// New reports whether a mutant that retains an entry under a key is on. It is counted once
// for each key.
func New(n int, key string) bool {
	if counting {
		mu.Lock()
		defer mu.Unlock()
		if keys[n] == nil {
			keys[n] = map[uint64]bool{}
		}
		h := maphash.String(seed, key)
		if keys[n][h] {
			return false
		}
		keys[n][h] = true
	}
	return kept(n)
}

var (
	mu    sync.Mutex
	times = map[int]int{}
	only  = map[int]string{}
	keys  = map[int]map[uint64]bool{} // hashes, which retain nothing
	seed  = maphash.MakeSeed()
)
