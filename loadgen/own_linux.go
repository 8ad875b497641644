package loadgen

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// usage returns the memory of this process that is not mapped from files, and its CPU time so
// far; 0 for what cannot be read.
func usage() (memory int64, cpu time.Duration) {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) == nil {
		cpu = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	b, err := os.ReadFile("/proc/self/statm") // in pages: size, resident, shared with files
	fields := bytes.Fields(b)
	if err != nil || len(fields) < 3 {
		return 0, cpu
	}
	resident, _ := strconv.ParseInt(string(fields[1]), 10, 64) // the kernel writes numbers
	shared, _ := strconv.ParseInt(string(fields[2]), 10, 64)
	return (resident - shared) * int64(os.Getpagesize()), cpu
}
