package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// terminal is as much of a terminal as the live view uses: rows, a cursor, and three
// of the control sequences. It panics at what it does not know.
type terminal struct {
	rows   []string
	at     int // row of the cursor, which is at its beginning after each frame
	width  int
	update bool
}

var sequence = regexp.MustCompile(`^\x1b\[(\??[0-9;]*)([a-zA-Z])`)

func (t *terminal) Write(p []byte) (int, error) {
	column := 0
	for s := string(p); s != ""; {
		if m := sequence.FindStringSubmatch(s); m != nil {
			t.control(m[1], m[2], column)
			s = s[len(m[0]):]
			continue
		}
		r := []rune(s)[0]
		s = s[len(string(r)):]
		for len(t.rows) <= t.at {
			t.rows = append(t.rows, "")
		}
		switch {
		case r == '\r':
			column = 0
		case r == '\n':
			t.at, column = t.at+1, 0
		case r < ' ' || column >= t.width:
			panic(fmt.Sprintf("%q at column %d", r, column))
		default:
			row := []rune(t.rows[t.at] + strings.Repeat(" ", max(0, column-len([]rune(t.rows[t.at])))))
			t.rows[t.at] = string(append(append(row[:column:column], r), row[min(column+1, len(row)):]...))
			column++
		}
	}
	return len(p), nil
}

func (t *terminal) control(arguments, letter string, column int) {
	switch letter {
	case "A":
		n, _ := strconv.Atoi(arguments)
		if t.at -= n; t.at < 0 {
			panic("above the first row")
		}
	case "J":
		t.rows = t.rows[:min(t.at, len(t.rows))]
	case "K":
		if t.at < len(t.rows) {
			t.rows[t.at] = string([]rune(t.rows[t.at])[:min(column, len([]rune(t.rows[t.at])))])
		}
	case "h", "l":
		t.update = letter == "h"
	case "m":
	default:
		panic("unknown sequence " + arguments + letter)
	}
}

func (t *terminal) text() string { return strings.Join(t.rows, "\n") }

func sampleStatus() loadgen.Status {
	return loadgen.Status{
		Elapsed: 12345 * time.Millisecond, Plan: "evening", Phase: "check", Number: 2, Of: 3, Block: report.SpanOn, Pairs: 3, Planned: 10,
		Connections: 312, Lives: 12345, Sent: 99_999, Received: 1_234_567, Errors: 1, Connects: 401.6, SentRate: 3.21, ReceiveRate: 12_000,
		Hops:       []loadgen.HopStatus{{Hop: latency.HopOffer, Brief: latency.Brief{Count: 1000, P50: 812 * time.Microsecond, P99: 12345 * time.Microsecond}, Rate: 99}},
		Deliveries: delivery.Counts{Sent: 1000, Delivered: 998, Lost: 2},
		Target:     []report.Reading{{Label: "heap", Unit: verdict.Bytes, Value: 12.34e6}, {Label: "goroutines", Value: 51}},
		Trends:     []verdict.Trend{{Series: "go_goroutines", Outcome: verdict.None}, {Series: "health.peers", Outcome: verdict.Inconclusive}},
	}
}

// The live view prints these lines.
func TestLive(t *testing.T) {
	t.Parallel()
	term := &terminal{width: 120}
	s := &screen{w: term, size: func() (int, int) { return 120, 40 }, colour: true}
	s.show(live(sampleStatus(), false))
	for _, want := range []string{
		"check, phase 2 of 3, pair 4 of 10, block with peers on   12.3s",
		"312 connected   12,345 in all   402/s   cut 0   errors 1",
		"99,999 sent 3.21/s   1,234,567 received 12,000/s",
		"998 of 1,000   lost 2", "heap 12 MB   goroutines 51",
		"offer                 99/s        1,000   p50    812µs   p99   12.3ms",
		"no leak in 1 of 2 series, the others are not decided yet",
	} {
		if !strings.Contains(term.text(), want) {
			t.Errorf("%q is missing in\n%s", want, term.text())
		}
	}
	leaking := sampleStatus()
	leaking.Slip99 = time.Second
	leaking.Trends[1].Outcome, leaking.Trends[1].Retained = verdict.Leaking, 940
	s.show(live(leaking, true))
	for _, want := range []string{"interrupted", "saturated", "a leak? health.peers, 940 per 1,000 peers"} {
		if !strings.Contains(term.text(), want) {
			t.Errorf("%q is missing in\n%s", want, term.text())
		}
	}
}

// Frames take each other's place, lines of progress pass above, and at the end only
// those are left, on a terminal of any size that changes meanwhile.
func TestScreen(t *testing.T) {
	t.Parallel()
	for _, height := range []int{3, 8, 50} {
		width := 100
		term := &terminal{width: 200}
		s := &screen{w: term, size: func() (int, int) { return width, height }}
		write := func(text string) { fmt.Fprintln(s, text) }
		write("before")
		for i := range 5 {
			s.show(live(sampleStatus(), i%2 == 0))
			write(fmt.Sprintf("line %d", i))
			if width -= 7; len(term.rows) > 6+height || term.update || strings.ContainsFunc(term.text(), func(r rune) bool { return r == '\x1b' }) {
				t.Errorf("height %d, frame %d:\n%s", height, i, term.text())
			}
		}
		s.close()
		s.show(live(sampleStatus(), false))
		write("after")
		if got, want := strings.TrimSpace(term.text()), "before\nline 0\nline 1\nline 2\nline 3\nline 4\nafter"; got != want {
			t.Errorf("height %d: left is\n%s", height, got)
		}
	}
}

// A line that is too long is cut, and nothing that the target says steers the terminal.
func TestScreenCuts(t *testing.T) {
	t.Parallel()
	term := &terminal{width: 20}
	s := &screen{w: term, size: func() (int, int) { return 20, 10 }, colour: true}
	s.show([]line{{{"evil \x1b[2J\n\t name ", red}, {strings.Repeat("long ", 20), bold}}})
	if got, want := term.rows[0], "evil ·[2J·· name lo"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Without a terminal there is no live view.
func TestNoScreen(t *testing.T) {
	t.Parallel()
	if newScreen(&strings.Builder{}, nil) != nil {
		t.Error("a buffer is taken for a terminal")
	}
}
