package loadgen

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// evidenceOf returns the report, and what it rests on: the doses and the readings.
func evidenceOf(r *report.Result) string {
	var b strings.Builder
	_ = r.WriteText(&b)
	for _, s := range r.Verdict.Scenarios {
		fmt.Fprintf(&b, "%s: %d planned, %d landed\n", s.Name, s.Planned, s.Landed)
	}
	for k, c := range r.Verdict.Cycles {
		fmt.Fprintf(&b, "cycle %d: doses %v\n", k, c.Doses)
	}
	for _, s := range r.Verdict.Series {
		fmt.Fprintf(&b, "%s:", s.Name)
		for _, p := range s.Points {
			fmt.Fprintf(&b, " %.0f", p.Value)
		}
		b.WriteString("\n")
	}
	for _, t := range r.Verdict.Trends {
		fmt.Fprintf(&b, "%s: %s, by cycle %v\n", t.Name(), t.Outcome, t.PerCycle)
	}
	return b.String()
}

// row is one check of the table.
type row struct {
	*calibration
	verdict verdict.Verdict
	seed    uint64
	took    time.Duration
	right   bool
}

// writeCalibration writes the table.
func writeCalibration(t *testing.T, rows <-chan row) {
	t.Helper()
	var list []row
	for r := range rows {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b row) int {
		return cmp.Or(slices.IndexFunc(calibrations, a.is)-slices.IndexFunc(calibrations, b.is), cmp.Compare(a.seed, b.seed))
	})
	var table strings.Builder
	found, leaky, alarms, unsure, healthy := 0, 0, 0, 0, 0
	table.WriteString("| hub | seen by | peers | verdict | of | told as | right | seconds |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range list {
		switch {
		case r.want != "":
			leaky++
			found += btoi(r.right)
		default:
			healthy++
			alarms += btoi(len(r.verdict.Leaks) > 0)
			unsure += btoi(r.verdict.Outcome == verdict.Inconclusive)
		}
		r.write(&table)
	}
	fmt.Fprintf(&table, "\n%d of %d leaks found and told rightly; %d false alarms in %d checks of healthy hubs, of which %d were unsure.\n", found, leaky, alarms, healthy, unsure)
	t.Log("\n" + table.String())
	if name := os.Getenv(tableVariable); name != "" {
		if err := os.WriteFile(name, []byte(table.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

func (r *row) is(c calibration) bool { return c.hub == r.hub }

func (r *row) write(w io.Writer) {
	of, told := "", ""
	for i := range r.verdict.Leaks {
		l := &r.verdict.Leaks[i]
		of += sourceOf(l) + "; "
		told += cmp.Or(l.Field, l.Born.Function, string(l.Class)) + "; "
	}
	fmt.Fprintf(w, "| %s | %s%s | %d | %s | %s | %s | %t | %.0f |\n", r.hub, r.pages, map[bool]string{true: ",/proc"}[r.pid],
		r.verdict.Run.Lives, r.verdict.Outcome, of, told, r.right, r.took.Seconds())
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
