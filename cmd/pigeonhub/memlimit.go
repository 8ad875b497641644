package main

import (
	"log/slog"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryRatio is what Go may take of the memory the process may take. The rest is
// for what Go does not count. It stays below the 80 % at which the hub raises the
// alarm and the 90 % at which it refuses peers: garbage that Go has not bothered
// to collect must not keep anybody out.
const memoryRatio = 0.75

// limitGo sets the limit (GOMEMLIMIT) near which Go collects harder: from
// memory-limit, or else from the cgroup, which in a container is the one the
// kernel kills for. Whoever set GOMEMLIMIT has decided already.
func (c *config) limitGo(log *slog.Logger) {
	if own := c.environ["GOMEMLIMIT"]; own != "" {
		log.Info("memory limit of Go", "bytes", debug.SetMemoryLimit(-1), "from", "GOMEMLIMIT")
		return
	}
	source, from := memlimit.FromCgroup, "cgroup"
	if own := c.hub.Memory.Limit; own > 0 {
		source, from = memlimit.Limit(uint64(own)), "memory-limit"
	}
	bytes, err := memlimit.ApplyRatio(source, memoryRatio)()
	if err != nil {
		log.Info("memory limit of Go", "bytes", "none", "because", err.Error())
		return
	}
	debug.SetMemoryLimit(int64(bytes))
	log.Info("memory limit of Go", "bytes", bytes, "from", from)
}
