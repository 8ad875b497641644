package report

import (
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
)

// SchemaVersion is the version of the JSON form of a Result.
const SchemaVersion = 1

// Schema is the JSON Schema (draft 2020-12) of the output of WriteJSON. It refers to the
// schema of the verdict.
//
//go:embed schema.json
var Schema []byte

// WriteJSON writes the whole result.
func (r *Result) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// ReadResult reads the output of WriteJSON.
func ReadResult(r io.Reader) (Result, error) {
	var res Result
	if err := json.NewDecoder(r).Decode(&res); err != nil {
		return Result{}, fmt.Errorf("result: %w", err)
	}
	if res.Schema != SchemaVersion {
		return Result{}, fmt.Errorf("result: it is of version %d of the schema, must be %d", res.Schema, SchemaVersion)
	}
	if res.Latencies.Slip.IsZero() {
		return Result{}, errors.New("result: the times are missing")
	}
	return res, nil
}

// writeTimelineCSV writes a row for each time, and a column for each quantity.
func (r *Result) writeTimelineCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	t := &r.Timeline
	head := []string{"seconds", "phase", "block"}
	for _, column := range t.Columns {
		head = append(head, column.Name)
	}
	_ = c.Write(head) // Error says it at the end
	for i, seconds := range t.Seconds {
		row := []string{strconv.FormatFloat(seconds, 'f', 3, 64), t.within(seconds, SpanPhase), t.within(seconds, SpanOn, SpanOff, SpanWarmUp)}
		for _, column := range t.Columns {
			cell := ""
			if v := column.Values[i]; !math.IsNaN(v) {
				cell = strconv.FormatFloat(v, 'f', -1, 64)
			}
			row = append(row, cell)
		}
		_ = c.Write(row)
	}
	c.Flush()
	return c.Error()
}

// within returns the name of the span at a time, among spans of some kinds.
func (t *Timeline) within(seconds float64, kinds ...string) string {
	for _, s := range t.Spans {
		for _, kind := range kinds {
			if s.Kind != kind || seconds < s.From || seconds > s.To {
				continue
			}
			if s.Name != "" {
				return s.Name
			}
			return kind
		}
	}
	return ""
}

// writeLatencyCSV writes a row for each hop, in milliseconds.
func (r *Result) writeLatencyCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	_ = c.Write(strings.Fields("hop count per_second mean_ms p50_ms p90_ms p99_ms p99.9_ms max_ms service_mean_ms service_p50_ms service_p90_ms service_p99_ms service_p99.9_ms service_max_ms"))
	for h := range latency.NumHops {
		s, ok := r.Hops[h.String()]
		if !ok {
			continue
		}
		row := []string{h.String(), strconv.FormatInt(s.Count, 10), strconv.FormatFloat(s.Rate, 'f', 3, 64)}
		for _, l := range []latency.Quantiles{s.Quantiles, s.Service} {
			for _, d := range []time.Duration{l.Mean, l.P50, l.P90, l.P99, l.P999, l.Max} {
				row = append(row, strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64))
			}
		}
		_ = c.Write(row)
	}
	c.Flush()
	return c.Error()
}

// WriteMarkdown writes the verdict and the figures for the summary page of a CI job.
func (r *Result) WriteMarkdown(w io.Writer) error {
	if err := report.Markdown(w, r.Verdict); err != nil {
		return err
	}
	var b strings.Builder
	if len(r.Hops) > 0 {
		b.WriteString("\n| latency | count | a second | p50 | p90 | p99 | p99.9 | max | service p99 |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	}
	for h := range latency.NumHops {
		if s, ok := r.Hops[h.String()]; ok {
			fmt.Fprintf(&b, "| %s | %d | %.1f | %s | %s | %s | %s | %s | %s |\n", h, s.Count, s.Rate,
				units.Duration(s.P50), units.Duration(s.P90), units.Duration(s.P99), units.Duration(s.P999), units.Duration(s.Max), units.Duration(s.Service.P99))
		}
	}
	if len(r.Hops) > 0 {
		fmt.Fprintf(&b, "\nTiming: %s\n\nGenerator: %s\n", r.Timing.Why, r.Generator.text(r.Environment.CPUs))
	}
	if d := r.Deliveries; d.Sent > 0 {
		fmt.Fprintf(&b, "\n| sent | delivered | explained | lost | duplicated | reordered | misrouted | unexpected |\n|--:|--:|--:|--:|--:|--:|--:|--:|\n| %d | %d | %d | %d | %d | %d | %d | %d |\n",
			d.Sent, d.Delivered, d.Explained, d.Lost, d.Duplicated, d.Reordered, d.Misrouted, d.Unexpected)
	}
	b.WriteString(r.markdownCapacities())
	if r.CutShort != nil {
		fmt.Fprintf(&b, "\nCut short %s\n\n", report.EscapeMarkdown(r.CutShort.String()))
	}
	for _, f := range r.Figures {
		fmt.Fprintf(&b, "- %s: %s %s\n", f.Profile, f.Name, report.EscapeMarkdown(f.Text))
	}
	for _, p := range r.Pushes {
		fmt.Fprintf(&b, "- pushed: %s\n", report.EscapeMarkdown(p.String()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
