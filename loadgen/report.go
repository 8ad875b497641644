package loadgen

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// WriteText writes the result for a terminal: times, deliveries and the verdict, which
// comes last because it is read first.
func (r *Result) WriteText(w io.Writer) error {
	r.writeTimes(w)
	r.writeFigures(w)
	r.writeErrors(w)
	d := r.Deliveries
	if d.Sent > 0 {
		fmt.Fprintf(w, "deliveries   %d sent, %d delivered, %d not because a peer left, %d lost, %d twice, %d out of order, %d misrouted, %d unexpected\n",
			d.Sent, d.Delivered, d.Explained, d.Lost, d.Duplicated, d.Reordered, d.Misrouted, d.Unexpected)
	}
	if r.Cut > 0 {
		fmt.Fprintf(w, "cut          %d connections were ended by the target, or by the network\n", r.Cut)
	}
	fmt.Fprintf(w, "timing       %s\n\n", r.Timing.Why)
	return verdict.Text(w, r.Verdict)
}

// writeTimes writes a line for each hop that was taken.
func (r *Result) writeTimes(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "latency\tcount\tp50\tp90\tp99\tp99.9\tmax\tservice p99\t")
	for h, times := range r.Latencies.Hops {
		l := times.Latency
		if l.Count() == 0 {
			continue
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", Hop(h), l.Count(),
			round(l.Quantile(.5)), round(l.Quantile(.9)), round(l.Quantile(.99)), round(l.Quantile(.999)), round(l.Max()), round(times.Service.Quantile(.99)))
	}
	table.Flush()
}

// writeErrors writes what peers ran into, the most frequent first.
func (r *Result) writeErrors(w io.Writer) {
	texts := slices.SortedFunc(maps.Keys(r.Errors), func(a, b string) int { return r.Errors[b] - r.Errors[a] })
	for _, text := range texts {
		fmt.Fprintf(w, "error        %d times %.150q\n", r.Errors[text], text)
	}
}

// round leaves three digits or so of a time.
func round(d time.Duration) time.Duration {
	unit := time.Microsecond
	for d >= 1000*unit {
		unit *= 10
	}
	return d.Round(unit)
}

// WriteReport writes all forms of the verdict, and the whole result as loadgen.json,
// into a directory, which it makes.
func (r *Result) WriteReport(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	var errs []error
	for _, f := range verdict.Formats() {
		errs = append(errs, writeFile(filepath.Join(dir, f.File), func(w io.Writer) error { return f.Write(w, r.Verdict) }))
	}
	errs = append(errs, writeFile(filepath.Join(dir, "loadgen.json"), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// writeFile writes a file, and leaves none that is half written.
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
