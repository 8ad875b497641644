package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
)

//go:embed page.html
var pageHTML string

// page has a template for each section that is added to the report of the verdict.
var page = template.Must(template.New("page").Funcs(template.FuncMap{"time": func(d time.Duration) string { return units.Duration(d) }, "number": units.Count[int64], "count": units.Count[int]}).Parse(pageHTML))

// WriteHTML writes the report of a run as one file that loads nothing else.
func (r *Result) WriteHTML(w io.Writer) error {
	var first, last []report.Section
	add := func(to *[]report.Section, title, name string, data any) error {
		var b strings.Builder
		if err := page.ExecuteTemplate(&b, name, data); err != nil {
			return fmt.Errorf("section %s: %w", name, err)
		}
		*to = append(*to, report.Section{Title: title, Body: template.HTML(b.String())}) // the template escapes
		return nil
	}
	for _, s := range r.sections() {
		to := &first
		if s.last {
			to = &last
		}
		if !s.show {
			continue
		}
		if err := add(to, s.title, s.name, s.data); err != nil {
			return err
		}
	}
	return report.HTMLWith(w, r.Verdict, first, last)
}

// section is a part of the page.
type section struct {
	title, name string
	data        any
	show, last  bool
}

func (r *Result) sections() []section {
	load, target, own := r.loadCharts(), r.targetCharts(), r.ownCharts()
	return []section{
		{title: "Capacity", name: "capacity", data: r.capacityPages(), show: len(r.Capacities) > 0},
		{title: "Latency, from the intended time", name: "latency", data: r.latencyPage(), show: len(r.Hops) > 0},
		{title: "Load over time", name: "charts", data: chartsPage{load, shaded(load)}, show: len(load) > 0},
		{title: "The target over time", name: "charts", data: chartsPage{target, shaded(target)}, show: len(target) > 0},
		{title: "Deliveries", name: "deliveries", data: r.deliveryRows(), show: r.Deliveries.Sent > 0},
		{title: "What the profiles measured", name: "figures", data: r.Figures, show: len(r.Figures) > 0},
		{title: "Errors", name: "errors", data: r.errorRows(), show: len(r.Errors) > 0 || r.Cut > 0},
		{title: "The generator over time", name: "charts", data: chartsPage{own, shaded(own)}, show: len(own) > 0, last: true},
		{title: "Environment", name: "environment", data: r.environmentRows(), show: true, last: true},
	}
}

// chartsPage holds the charts of one section.
type chartsPage struct {
	Charts []chart
	Shaded bool // blocks are marked in them
}

// shaded reports whether blocks are marked in charts.
func shaded(list []chart) bool {
	return len(list) > 0 && slices.ContainsFunc(list[0].Bands, func(b report.Band) bool { return b.Opacity == shadeOn })
}

// latencyPage returns the data of the section of the times.
type latencyPage struct {
	Timing Timing
	Rows   []latencyRow
	Charts []chart
}

type latencyRow struct {
	Hop string
	latency.Summary
}

func (r *Result) latencyPage() latencyPage {
	p := latencyPage{Timing: r.Timing, Charts: r.latencyCharts()}
	for h := range latency.NumHops {
		if s, ok := r.Hops[h.String()]; ok {
			p.Rows = append(p.Rows, latencyRow{h.String(), s})
		}
	}
	return p
}

// countRow is one line of a table of counts.
type countRow struct {
	Name, Count, Share, About string
	Bad                       bool
}

// deliveryRows returns the deliveries, each count with its meaning.
func (r *Result) deliveryRows() []countRow {
	d := r.Deliveries
	var rows []countRow
	for _, c := range []struct {
		name, about string
		n           int64
		bad         bool
	}{
		{"sent", "from peer to peer", d.Sent, false},
		{"delivered", "to whom they were for", d.Delivered, false},
		{"explained", "not delivered, because one of the two had left", d.Explained, false},
		{"lost", "not delivered, and nothing explains it", d.Lost, true},
		{"duplicated", "came again", d.Duplicated, true},
		{"reordered", "came after one that was sent later", d.Reordered, true},
		{"misrouted", "came to another peer, in another's name or in another network", d.Misrouted, true},
		{"unexpected", "no peer of this run sent them", d.Unexpected, true},
	} {
		share := fmt.Sprintf("%.3g %%", 100*float64(c.n)/float64(max(1, d.Sent)))
		rows = append(rows, countRow{c.name, units.Count(c.n), share, c.about, c.bad && c.n > 0})
	}
	return rows
}

// errorRows returns the errors of peers, the most frequent first.
func (r *Result) errorRows() []countRow {
	var rows []countRow
	for _, text := range r.errorTexts() {
		rows = append(rows, countRow{Name: text, Count: units.Count(r.Errors[text])})
	}
	if r.Cut > 0 {
		rows = append(rows, countRow{Name: "connections that the target ended, or the network", Count: units.Count(r.Cut)})
	}
	return rows
}

func (r *Result) errorTexts() []string {
	texts := slices.Sorted(maps.Keys(r.Errors))
	slices.SortStableFunc(texts, func(a, b string) int { return r.Errors[b] - r.Errors[a] })
	return texts
}

// environmentRows returns where and how the run was made.
func (r *Result) environmentRows() [][2]string {
	e, run := r.Environment, r.Verdict.Run
	rows := [][2]string{
		{"target", run.Target}, {"commit of the target", run.Commit}, {"plan", r.planText()}, {"seed", run.Seed}, {"command", run.Command},
		{"loadgen", strings.TrimSpace(e.Version + " " + e.Commit)}, {"Go", e.Go}, {"system", strings.TrimSpace(e.System + " " + e.Kernel)},
		{"processors", fmt.Sprint(e.CPUs)}, {"the generator itself", r.Generator.text(e.CPUs)},
	}
	if r.CutShort != nil {
		rows = append(rows, [2]string{"cut short", r.CutShort.String()})
	}
	for _, p := range r.Pushes {
		rows = append(rows, [2]string{"pushed", p.String()})
	}
	limit := func(name string, n int64, text string) {
		if n > 0 {
			rows = append(rows, [2]string{name, text})
		}
	}
	limit("descriptors", e.Limits.Descriptors, units.Count(e.Limits.Descriptors)+" a process")
	limit("ports", e.Limits.Ports, units.Count(e.Limits.Ports)+" an address")
	limit("connections tracked", e.Limits.Conntrack, units.Count(e.Limits.Conntrack)+" more")
	limit("memory available", e.Limits.Memory, units.Quantity(float64(e.Limits.Memory), verdict.Bytes))
	return slices.DeleteFunc(rows, func(row [2]string) bool { return row[1] == "" })
}

// planText returns the plan in one line.
func (r *Result) planText() string {
	var words []string
	for _, f := range r.Plan.Phases {
		words = append(words, fmt.Sprintf("%s (%s peers, %s/s, %s, %d networks)", f.Profile, units.Count(f.Peers), units.Short(f.Rate), f.Duration, f.Networks))
	}
	return strings.Join(words, ", then ")
}
