package report

import (
	"math"
	"strconv"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

const (
	shadeOn     = ".13" // of a block with peers
	shadeWarmUp = ".06"
)

// bands shades blocks with peers and warm-ups, and marks where a phase begins. A single phase
// needs no mark.
func bands(spans []Span) []report.Band {
	var list, phases []report.Band
	for _, s := range spans {
		band := report.Band{From: s.From, To: s.To}
		switch s.Kind {
		case SpanOn:
			band.Opacity, band.Title = shadeOn, "block with peers"
			list = append(list, band)
		case SpanWarmUp:
			band.Opacity, band.Title = shadeWarmUp, "warm-up"
			list = append(list, band)
		case SpanPhase:
			band.Title = s.Name
			phases = append(phases, band)
		}
	}
	if len(phases) > 1 {
		list = append(list, phases...)
	}
	return list
}

// percentiles returns the ticks of an axis on which a share q is at log10(1/(1-q)).
func percentiles(_, high float64) []report.Tick {
	ticks := []report.Tick{{At: 0, Label: "0"}, {At: math.Log10(2), Label: "50 %"}}
	for i := 1.0; i <= high+1e-9; i++ {
		ticks = append(ticks, report.Tick{At: i, Label: strconv.FormatFloat(100-math.Pow(10, 2-i), 'f', -1, 64) + " %"})
	}
	return ticks
}

// decades returns the ticks of a logarithmic axis of times in seconds, from the one below
// the lowest to the one above the highest.
func decades(low, high float64) []report.Tick {
	steps := []float64{1, 2, 5}
	if high-low > 2.5 {
		steps = []float64{1}
	}
	var ticks []report.Tick
	for d := math.Floor(low); d <= math.Ceil(high); d++ {
		for _, k := range steps {
			at := d + math.Log10(k)
			next := d + math.Log10(k*2.5)
			if next > low && (len(ticks) == 0 || ticks[len(ticks)-1].At < high) {
				ticks = append(ticks, report.Tick{At: at, Label: units.Duration(time.Duration(math.Round(k * math.Pow(10, d+9))))})
			}
		}
	}
	return ticks
}
