package main

import (
	"log/slog"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryRatio is the part of the memory limit that Go may use. The rest is for memory
// that Go does not count. It is below the 80 % and 90 % at which the hub warns and
// refuses peers, so that garbage alone does not reach them.
const memoryRatio = 0.75

// limitGo sets the limit near which Go collects more often (GOMEMLIMIT) from
// memory-limit, or else from the cgroup, whose limit is the one that the kernel
// enforces in a container. A GOMEMLIMIT that is set already stays. It logs the limit of
// the process, which the metric pigeonhub_memory_limit_bytes has, beside that of Go.
func (c *config) limitGo(log *slog.Logger) {
	log = log.With("process_bytes", c.hub.WithDefaults().Memory.Limit)
	if own := c.environ["GOMEMLIMIT"]; own != "" {
		log.Info("memory limits", "go_bytes", debug.SetMemoryLimit(-1), "go_from", "GOMEMLIMIT")
		return
	}
	source, from := memlimit.FromCgroup, "cgroup"
	if own := c.hub.Memory.Limit; own > 0 {
		source, from = memlimit.Limit(uint64(own)), "memory-limit"
	}
	bytes, err := memlimit.ApplyRatio(source, memoryRatio)()
	if err != nil {
		log.Info("memory limits", "go_bytes", "none", "because", err.Error())
		return
	}
	debug.SetMemoryLimit(int64(bytes))
	log.Info("memory limits", "go_bytes", bytes, "go_from", from)
}
