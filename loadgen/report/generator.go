package report

import (
	"fmt"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Generator is what the run itself took, in all its processes. Memory and processors are 0
// where the system has no such numbers. The lag is that of this process.
type Generator struct {
	MemoryFirst int64 `json:"memoryFirst"` // bytes that are not mapped from files, when the run began
	MemoryLast  int64 `json:"memoryLast"`
	MemoryPeak  int64 `json:"memoryPeak"`

	Busy    float64 `json:"busy"`    // processors, on average
	Busiest float64 `json:"busiest"` // the most in a second

	Lag99   time.Duration `json:"lag99"` // within which a goroutine woke 99 times of 100
	LagMost time.Duration `json:"lagMost"`
}

// The columns of the generator in a Timeline.
const (
	ColumnOwnMemory     = "generator memory"
	ColumnOwnProcessors = "generator processors"
)

// text returns the numbers in one line.
func (g *Generator) text(processors int) string {
	lag := fmt.Sprintf("woke %s late (p99), at most %s", units.Duration(g.Lag99), units.Duration(g.LagMost))
	if g.MemoryLast == 0 {
		return lag
	}
	size := func(n int64) string { return units.Quantity(float64(n), verdict.Bytes) }
	return fmt.Sprintf("%s (%s at first, %s at most), %.2f of %d processors (%.2f at most), %s",
		size(g.MemoryLast), size(g.MemoryFirst), size(g.MemoryPeak), g.Busy, processors, g.Busiest, lag)
}

// ownCharts returns charts of the generator.
func (r *Result) ownCharts() []chart {
	t := &r.Timeline
	size := func(v float64) string { return units.Quantity(v, verdict.Bytes) }
	memory, processors := t.overTime("Memory of the generator", size), t.overTime("Processors of the generator", units.Short)
	memory.line(t, "not mapped from files", ColumnOwnMemory, false, size)
	processors.line(t, "busy", ColumnOwnProcessors, false, units.Number)
	return notEmpty([]chart{memory, processors})
}
