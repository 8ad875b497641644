//go:build !linux

package loadgen

import "time"

// usage returns 0 where the system has no such numbers.
func usage() (memory int64, cpu time.Duration) { return 0, 0 }
