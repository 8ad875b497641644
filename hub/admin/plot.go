package admin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
)

// The size of a plot in its own units. The page stretches it.
const (
	plotWidth  = 600
	plotHeight = 100
	plotHour   = time.Hour
)

// plot is one drawing of the last hour, and what it shows in words.
type plot struct {
	Title, Most string // Most is the value at the upper edge
	Lines       []line
}

// line is one quantity. Path is that of an SVG. The texts are of its values.
type line struct {
	Name, Path       string
	Now, Least, Most string
	values           []float64 // of the moments; negative for none
	text             func(float64) string
}

// quantity is what a line shows. value is of a moment and the one before it.
type quantity struct {
	name  string
	text  func(float64) string
	value func(before, m *hub.Moment) float64
}

var plotted = []struct {
	title string
	lines []quantity
}{
	{"Connections", []quantity{
		{"connections", wholeText, func(_, m *hub.Moment) float64 { return float64(m.Sessions) }},
	}},
	{"Memory", []quantity{
		{"resident", sizeText, func(_, m *hub.Moment) float64 { return float64(m.RSS) }},
		{"live heap", sizeText, func(_, m *hub.Moment) float64 { return float64(m.HeapMarked) }},
	}},
	{"Goroutines", []quantity{
		{"goroutines", wholeText, func(_, m *hub.Moment) float64 { return float64(m.Goroutines) }},
	}},
	{"Messages relayed a second", []quantity{
		{"relayed a second", rateText, perSecond(func(m *hub.Moment) uint64 { return m.Relayed })},
	}},
	{"Latency of a relayed message", []quantity{
		{"99 %", secondsText, func(_, m *hub.Moment) float64 { return some(m.RelayP99) }},
		{"median", secondsText, func(_, m *hub.Moment) float64 { return some(m.RelayMedian) }},
	}},
	{"Waiting to be sent", []quantity{
		{"bytes", sizeText, func(_, m *hub.Moment) float64 { return float64(m.Queued) }},
	}},
	{"New connections a second", []quantity{
		{"accepted a second", rateText, perSecond(func(m *hub.Moment) uint64 { return m.Accepted })},
	}},
	{"Refused and cut a minute", []quantity{
		{"refused a minute", rateText, perMinute(func(m *hub.Moment) uint64 { return m.Refused })},
		{"cut a minute", rateText, perMinute(func(m *hub.Moment) uint64 { return m.Cut })},
	}},
}

func wholeText(v float64) string   { return countText(int64(v)) }
func sizeText(v float64) string    { return bytesText(int64(v)) }
func secondsText(v float64) string { return timeText(time.Duration(v * float64(time.Second))) }

// some returns the seconds of d, or a negative number if there was nothing to measure.
func some(d time.Duration) float64 {
	if d == 0 {
		return -1
	}
	return d.Seconds()
}

func perSecond(count func(*hub.Moment) uint64) func(before, m *hub.Moment) float64 {
	return func(before, m *hub.Moment) float64 {
		if before == nil {
			return -1
		}
		return float64(count(m)-count(before)) / max(m.At.Sub(before.At).Seconds(), 1)
	}
}

func perMinute(count func(*hub.Moment) uint64) func(before, m *hub.Moment) float64 {
	each := perSecond(count)
	return func(before, m *hub.Moment) float64 { return 60 * each(before, m) }
}

// plots draws the moments up to now.
func plots(moments []hub.Moment, now time.Time) (list []plot) {
	for _, p := range plotted {
		drawn := plot{Title: p.title}
		most := 0.0
		for _, q := range p.lines {
			l := line{Name: q.name, text: q.text, values: valuesOf(q, moments)}
			l.describe()
			most = max(most, slices.Max(append(l.values, 0)))
			drawn.Lines = append(drawn.Lines, l)
		}
		drawn.Most = p.lines[0].text(most)
		for i := range drawn.Lines {
			drawn.Lines[i].Path = path(moments, drawn.Lines[i].values, most, now)
		}
		list = append(list, drawn)
	}
	return list
}

func valuesOf(q quantity, moments []hub.Moment) (values []float64) {
	var before *hub.Moment
	for i := range moments {
		values = append(values, q.value(before, &moments[i]))
		before = &moments[i]
	}
	return values
}

func (l *line) describe() {
	known := slices.DeleteFunc(slices.Clone(l.values), func(v float64) bool { return v < 0 })
	if len(known) == 0 {
		l.Now, l.Least, l.Most = "none", "none", "none"
		return
	}
	l.Now, l.Least, l.Most = l.text(known[len(known)-1]), l.text(slices.Min(known)), l.text(slices.Max(known))
}

// path returns the path of a line. It has a gap where a value is missing.
func path(moments []hub.Moment, values []float64, most float64, now time.Time) string {
	var b strings.Builder
	pen := 'M'
	for i, v := range values {
		age := now.Sub(moments[i].At)
		if v < 0 || age > plotHour {
			pen = 'M'
			continue
		}
		x := plotWidth * (1 - age.Seconds()/plotHour.Seconds())
		y := plotHeight * (1 - v/max(most, 1e-9))
		if fmt.Fprintf(&b, "%c%.0f %.1f", pen, x, y); pen == 'M' {
			b.WriteString("h0") // a dot if nothing follows
		}
		pen = 'L'
	}
	return b.String()
}

// tableSteps is the number of rows of the table that has what the plots show.
const tableSteps = 12

// plotTable is what the plots show, in numbers.
type plotTable struct {
	Heads []string
	Rows  [][]string // the first cell is the time
}

func tableOf(list []plot, moments []hub.Moment) (t plotTable) {
	step := max(1, (len(moments)+tableSteps-1)/tableSteps)
	for _, p := range list {
		for _, l := range p.Lines {
			head := p.Title
			if len(p.Lines) > 1 {
				head += ": " + l.Name
			}
			t.Heads = append(t.Heads, head)
		}
	}
	for i := len(moments) - 1; i >= 0; i -= step {
		row := []string{moments[i].At.UTC().Format("15:04:05")}
		for _, p := range list {
			for _, l := range p.Lines {
				cell := "none"
				if l.values[i] >= 0 {
					cell = l.text(l.values[i])
				}
				row = append(row, cell)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
