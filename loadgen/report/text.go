package report

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
)

// WriteText writes the result for a terminal: times, deliveries, and last the verdict, which
// then is what the reader sees first.
func (r *Result) WriteText(w io.Writer) error {
	r.writeTimes(w)
	r.writeCapacities(w)
	r.writeFigures(w)
	r.writeErrors(w)
	d := r.Deliveries
	if d.Sent > 0 {
		fmt.Fprintf(w, "deliveries   %d sent, %d delivered, %d explained because a peer left, %d lost, %d duplicated, %d out of order, %d misrouted, %d unexpected\n",
			d.Sent, d.Delivered, d.Explained, d.Lost, d.Duplicated, d.Reordered, d.Misrouted, d.Unexpected)
	}
	if r.Cut > 0 {
		fmt.Fprintf(w, "cut          %d connections were ended by the target or the network\n", r.Cut)
	}
	fmt.Fprintf(w, "timing       %s\n", r.Timing.Why)
	fmt.Fprintf(w, "generator    %s\n", r.Generator.text(r.Environment.CPUs))
	if r.CutShort != nil {
		fmt.Fprintf(w, "cut short    %s\n", report.Printable(r.CutShort.String())) // a series is named by the target
	}
	for _, p := range r.Pushes {
		fmt.Fprintf(w, "pushed       %s\n", report.Printable(p.String()))
	}
	fmt.Fprintln(w)
	return report.Text(w, r.Verdict)
}

// writeTimes writes a line for each hop that has times.
func (r *Result) writeTimes(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "latency\tcount\tp50\tp90\tp99\tp99.9\tmax\tservice p99\t")
	for h, times := range r.Latencies.Hops {
		l := times.Latency
		if l.Count() == 0 {
			continue
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", latency.Hop(h), l.Count(),
			units.Duration(l.Quantile(.5)), units.Duration(l.Quantile(.9)), units.Duration(l.Quantile(.99)), units.Duration(l.Quantile(.999)), units.Duration(l.Max()), units.Duration(times.Service.Quantile(.99)))
	}
	table.Flush()
}

// writeErrors writes the errors of peers, the most frequent first.
func (r *Result) writeErrors(w io.Writer) {
	for _, text := range r.errorTexts() {
		fmt.Fprintf(w, "error        %d times %.150q\n", r.Errors[text], text)
	}
}

// WriteReport writes all forms of the result into a directory, which it creates: index.html,
// loadgen.json (see Schema), the forms of the verdict, timeline.csv, latencies.csv, and
// hgrm/ with the histograms of each hop.
func (r *Result) WriteReport(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "hgrm"), 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	files := map[string]func(io.Writer) error{}
	for _, f := range report.Formats() {
		files[f.File] = func(w io.Writer) error { return f.Write(w, r.Verdict) }
	}
	files["index.html"] = r.WriteHTML
	files["verdict.md"] = r.WriteMarkdown
	files["loadgen.json"] = r.WriteJSON
	files["timeline.csv"] = r.writeTimelineCSV
	files["latencies.csv"] = r.writeLatencyCSV
	for i := range r.Latencies.Hops {
		if h := &r.Latencies.Hops[i]; h.Latency.Count() > 0 {
			files["hgrm/"+latency.Hop(i).String()+".hgrm"] = h.Latency.WriteHGRM
			files["hgrm/"+latency.Hop(i).String()+".service.hgrm"] = h.Service.WriteHGRM
		}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		errs = append(errs, writeFile(filepath.Join(dir, filepath.FromSlash(name)), files[name]))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// writeFile writes a file, and removes it if that fails.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	err = errors.Join(write(f), f.Close())
	if err != nil {
		os.Remove(name)
	}
	return err
}
