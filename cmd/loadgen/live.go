package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen"
)

// live is how a run stands, in lines for a terminal. One that is ending was
// interrupted.
func live(s loadgen.Status, ending bool) []line {
	lines := []line{
		{},
		title(s, ending),
		row("peers", fmt.Sprintf("%s connected   %s in all   %s/s   cut %s   errors %s",
			count(int64(s.Connections)), count(s.Lives), rate(s.Connects), count(s.Cut), count(s.Errors))),
		row("messages", fmt.Sprintf("%s sent %s/s   %s received %s/s", count(s.Sent), rate(s.SentRate), count(s.Received), rate(s.ReceiveRate))),
	}
	if d := s.Deliveries; d.Sent > 0 {
		lines = append(lines, row("deliveries", fmt.Sprintf("%s of %s   lost %s   twice %s   out of order %s   misrouted %s",
			count(d.Delivered), count(d.Sent), count(d.Lost), count(d.Duplicated), count(d.Reordered), count(d.Misrouted))))
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
			{fmt.Sprintf("%8s/s  %11s   p50 %8s   p99 %8s", rate(h.Rate), count(h.Count), short(h.P50), short(h.P99)), normal}})
	}
	if s.Slip99 > loadgen.SlipBound {
		lines = append(lines, line{{"  generator  ", soft}, {fmt.Sprintf("saturated: 1 %% of the actions began more than %s late", short(s.Slip99)), amber}})
	}
	return append(lines, soFar(s))
}

func title(s loadgen.Status, ending bool) line {
	phase := "reading the target"
	if s.Phase != "" {
		phase = s.Phase
	}
	if s.Of > 1 {
		phase += fmt.Sprintf(", phase %d of %d", s.Number, s.Of)
	}
	switch {
	case s.Block == loadgen.SpanWarmUp:
		phase += ", warming up"
	case s.Block != "":
		phase += fmt.Sprintf(", pair %d of %d, block with peers %s", s.Pairs+1, max(s.Planned, s.Pairs+1), s.Block)
	}
	if ending {
		phase += ": interrupted, peers leave"
	}
	return line{{"  " + phase, bold}, {"   " + s.Elapsed.Round(100*time.Millisecond).String(), soft}}
}

func row(head, text string) line { return line{{fmt.Sprintf("  %-11s", head), soft}, {text, normal}} }

func readings(list []loadgen.Reading) string {
	var words []string
	for _, r := range list {
		value := count(int64(r.Value))
		if r.Unit == verdict.Bytes {
			value = memory(r.Value)
		}
		words = append(words, r.Label+" "+value)
	}
	return strings.Join(words, "   ")
}

// soFar is the verdict as far as it goes.
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
	return append(l, piece{fmt.Sprintf("no leak in %d of %d series, the others are not sure yet", clear, len(s.Trends)), amber})
}

// count writes 12,345.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// rate writes a figure a second.
func rate(f float64) string {
	if f < 9.95 && f > 0.05 {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return count(int64(math.Round(f)))
}

// memory writes 12.3 MB.
func memory(b float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	i := 0
	for ; b >= 1000 && i < len(units)-1; i++ {
		b /= 1000
	}
	return strconv.FormatFloat(b, 'f', min(i, 1), 64) + " " + units[i]
}

// short leaves three digits or so of a time.
func short(d time.Duration) string {
	unit := time.Microsecond
	for d >= 1000*unit {
		unit *= 10
	}
	return d.Round(unit).String()
}
