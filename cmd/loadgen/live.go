package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// live returns the state of a run as lines for a terminal. ending says that the run was
// interrupted.
func live(s loadgen.Status, ending bool) []line {
	lines := []line{
		{},
		title(s, ending),
		row("peers", fmt.Sprintf("%s connected   %s in all   %s/s   cut %s   errors %s",
			units.Count(int64(s.Connections)), units.Count(s.Lives), units.Number(s.Connects), units.Count(s.Cut), units.Count(s.Errors))),
		row("messages", fmt.Sprintf("%s sent %s/s   %s received %s/s", units.Count(s.Sent), units.Number(s.SentRate), units.Count(s.Received), units.Number(s.ReceiveRate))),
	}
	if d := s.Deliveries; d.Sent > 0 {
		lines = append(lines, row("deliveries", fmt.Sprintf("%s of %s   lost %s   twice %s   out of order %s   misrouted %s",
			units.Count(d.Delivered), units.Count(d.Sent), units.Count(d.Lost), units.Count(d.Duplicated), units.Count(d.Reordered), units.Count(d.Misrouted))))
	}
	if len(s.Target) > 0 {
		lines = append(lines, row("target", readings(s.Target)))
	}
	for i, h := range s.Hops {
		head := ""
		if i == 0 {
			head = "latency"
		}
		lines = append(lines, line{{fmt.Sprintf("  %-11s", head), soft}, {fmt.Sprintf("%-16s", h.Hop), normal},
			{fmt.Sprintf("%8s/s  %11s   p50 %8s   p99 %8s", units.Number(h.Rate), units.Count(h.Count), units.Duration(h.P50), units.Duration(h.P99)), normal}})
	}
	if s.Slip99 > report.SlipBound {
		lines = append(lines, line{{"  generator  ", soft}, {fmt.Sprintf("saturated: 1 %% of the actions began more than %s late", units.Duration(s.Slip99)), amber}})
	}
	return append(lines, soFar(s))
}

func title(s loadgen.Status, ending bool) line {
	phase := phaseOf(s)
	if ending {
		phase += ": interrupted, peers leave"
	}
	return line{{"  " + phase, bold}, {"   " + s.Elapsed.Round(100*time.Millisecond).String(), soft}}
}

// phaseOf returns which part of its plan a run has reached.
func phaseOf(s loadgen.Status) string {
	phase := "reading the target"
	if s.Phase != "" {
		phase = s.Phase
	}
	if s.Of > 1 {
		phase += fmt.Sprintf(", phase %d of %d", s.Number, s.Of)
	}
	switch {
	case s.Block == report.SpanWarmUp:
		phase += ", warming up"
	case s.Block != "":
		phase += fmt.Sprintf(", pair %d of %d, block with peers %s", s.Pairs+1, max(s.Planned, s.Pairs+1), s.Block)
	}
	return phase
}

func row(head, text string) line { return line{{fmt.Sprintf("  %-11s", head), soft}, {text, normal}} }

func readings(list []report.Reading) string {
	var words []string
	for _, r := range list {
		value := units.Count(int64(r.Value))
		if r.Unit == verdict.Bytes {
			value = units.Bytes(r.Value)
		}
		words = append(words, r.Label+" "+value)
	}
	return strings.Join(words, "   ")
}

// soFar returns the verdict so far.
func soFar(s loadgen.Status) line {
	l := line{{"  so far     ", soft}}
	clear := 0
	for _, t := range s.Trends {
		switch t.Outcome {
		case verdict.Leaking:
			return append(l, piece{fmt.Sprintf("a leak? %s, %s per 1,000 peers", t.Name(), strconv.FormatFloat(t.Retained, 'g', 3, 64)), red})
		case verdict.None:
			clear++
		}
	}
	switch {
	case len(s.Trends) == 0:
		return append(l, piece{"no verdict yet", soft})
	case clear == len(s.Trends):
		return append(l, piece{fmt.Sprintf("no leak in any of %d series", clear), green})
	}
	return append(l, piece{fmt.Sprintf("no leak in %d of %d series, the others are not decided yet", clear, len(s.Trends)), amber})
}
