package detect_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/detect/testdata/till"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// gaugesOf is a target that consists of its gauges.
type gaugesOf struct {
	now   map[string]float64
	roots map[string]any
	err   error
	check error
}

func (g *gaugesOf) Gauges() (map[string]float64, error) { return g.now, g.err }
func (g *gaugesOf) Check() error                        { return g.check }
func (g *gaugesOf) Roots() map[string]any               { return g.roots }

// drifted returns the findings of Gauges when all gauges of a till have moved.
func drifted(t *testing.T, roots map[string]any, by float64, names ...string) map[string]verdict.Finding {
	t.Helper()
	target := &gaugesOf{now: map[string]float64{}, roots: roots}
	for _, name := range names {
		target.now[name] = 20
	}
	g := &detect.Gauges{Target: target}
	if err := g.Baseline(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	target.now = map[string]float64{}
	for _, name := range names {
		target.now[name] = 20 + by
	}
	if err := g.Cycle(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	list, err := g.Findings(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]verdict.Finding{}
	for _, f := range list {
		found[f.Field] = f
	}
	return found
}

const tillSource = "testdata/till/till.go"

// marked returns the lines of the till with a mark.
func marked(t *testing.T, mark string) (lines []int) {
	t.Helper()
	text, err := os.ReadFile(tillSource)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasSuffix(line, "// "+mark) {
			lines = append(lines, i+1)
		}
	}
	return lines
}

func newTill() map[string]any {
	return map[string]any{"shop": till.New()}
}

// Each way to count up is found, in the right type. If the amount is a parameter, the calls are
// found.
func TestCounters(t *testing.T) {
	wants := map[string]struct{ mark, function string }{
		"till.Till.refused":            {"refused", "(*Till).Refuse"},
		"shop.refused":                 {"refused", "(*Till).Refuse"},
		"till.Till.admitted":           {"admitted", "(*Till).Admit"},
		"till.Till.probing":            {"probing", "(*Till).Admit"},
		"till.Till.legacy":             {"legacy", "(*Till).Legacy"},
		"till.Till.level":              {"level", "(*Till).Set"},
		"till.Till.peak":               {"peak", "(*Till).Set"},
		"till.Till.spent":              {"spent", "(*Till).Set"},
		"till.Till.owed":               {"owed", "(*Till).Set"},
		"till.Till.loans":              {"loans", "(*Till).Set"},
		"till.Till.gate":               {"gate", "(*tillGate).enter"},
		"till.Till.gate.n":             {"gate", "(*tillGate).enter"},
		"till.Till.lent":               {"lent", "(*Till).Lend"},
		"till.Till.pawned":             {"pawned", "(*Till).Lend"},
		"till.Till.guests":             {"guests", "(*Till).Lend"},
		"till.Till.drawer.coins.depth": {"depth", "(*tillStack[...]).push"},
	}
	found := drifted(t, newTill(), 3, slices.Collect(maps.Keys(wants))...)
	for gauge, want := range wants {
		f := found[gauge]
		wantAt := verdict.Site{Function: "github.com/pigeonhub/pigeonhub/harness/detect/testdata/till." + want.function, Line: marked(t, "up "+want.mark)[0]}
		if !strings.HasSuffix(f.Born.File, "/harness/detect/testdata/till/till.go") || f.Born.Line != wantAt.Line || f.Born.Function != wantAt.Function {
			t.Errorf("%s is born at %s, want line %d of %s: %s", gauge, f.Born, wantAt.Line, wantAt.Function, f.Detail)
		}
		if downs := marked(t, "down "+want.mark); len(downs) > 0 && !strings.Contains(f.Detail, "given back at ") {
			t.Errorf("%s does not say where it is given back: %s", gauge, f.Detail)
		}
	}
}

// A place at which the companion of a counter changes alone is the likeliest one if too little was
// given back. The others are in the detail.
func TestCounterForgotten(t *testing.T) {
	const gauge = "till.Till.queued"
	f := drifted(t, newTill(), 7, gauge)[gauge]
	if want := marked(t, "alone queued")[0]; f.Born.Line != want || !strings.HasSuffix(f.Born.Function, "(*Till).Drop") {
		t.Errorf("born at %s, want line %d", f.Born, want)
	}
	for _, want := range []string{"counted up at till/till.go:", "till.(*Till).Queue", "given back at", "bytes, which changes with it elsewhere, changes alone"} {
		if !strings.Contains(f.Detail, want) {
			t.Errorf("the detail lacks %q: %s", want, f.Detail)
		}
	}
	f = drifted(t, newTill(), -7, gauge)[gauge]
	if want := marked(t, "down queued")[0]; f.Born.Line != want || f.Count != 7 {
		t.Errorf("given back too often: %d born at %s, want 7 at line %d", f.Count, f.Born, want)
	}
}

// Where a counter changes by the difference of another number, an assignment to that number
// alone is the likeliest place.
func TestCounterForgottenDifference(t *testing.T) {
	const gauge = "till.Till.stored"
	f := drifted(t, newTill(), 7, gauge)[gauge]
	if want := marked(t, "alone stored")[0]; f.Born.Line != want || !strings.HasSuffix(f.Born.Function, "(*Till).Forget") {
		t.Errorf("born at %s, want line %d: %s", f.Born, want, f.Detail)
	}
}

// A place at which the counter goes up without its companion is the likeliest one, because it is
// probably not given back.
func TestCounterAlone(t *testing.T) {
	const gauge = "till.Till.carried"
	f := drifted(t, newTill(), 7, gauge)[gauge]
	if want := marked(t, "lone carried")[0]; f.Born.Line != want || !strings.Contains(f.Detail, "changes without load, which changes with it elsewhere, at ") {
		t.Errorf("born at %s, want line %d: %s", f.Born, want, f.Detail)
	}
}

// A gauge may be the sum of two fields. The one that holds most says where it is counted up.
func TestCounterOfSum(t *testing.T) {
	const gauge = "till.Till.pawned"
	roots := newTill()
	roots["shop"].(*till.Till).Loosen(3)
	f := drifted(t, roots, 3, gauge)[gauge]
	if want := marked(t, "up loose")[0]; f.Born.Line != want || !strings.HasSuffix(f.Born.Function, "(*Till).Loosen") {
		t.Errorf("born at %s, want line %d: %s", f.Born, want, f.Detail)
	}
}

// A gauge that is no counter, has no root, or has no source is reported without a place.
func TestCountersUnknown(t *testing.T) {
	roots := newTill()
	roots["number"], roots["nothing"], roots["nobody"] = 1, nil, (*till.Till)(nil)
	roots["foreign"] = &struct{ n int }{}
	gauges := []string{
		"till.Till.sessions", "till.Till.two", "till.Till.missing", "till.Till.", "number.refused",
		"nothing.n", "foreign.n", "sessions", "", "till.Till.refused.more", "till.Till.gate.open",
	}
	found := drifted(t, roots, 1, gauges...)
	for _, gauge := range gauges {
		f := found[gauge]
		if f.Born != (verdict.Site{}) || f.Count != 1 || strings.Contains(f.Detail, ";") {
			t.Errorf("%q: %+v", gauge, f)
		}
	}
	if f := drifted(t, roots, 1, "nobody.refused")["nobody.refused"]; f.Born.Line == 0 {
		t.Error("a nil pointer has a type, too")
	}
}

// The overlay in GOFLAGS replaces files. Here it is not what was compiled, and the detail says so.
func TestCountersOverlay(t *testing.T) {
	const gauge = "till.Till.refused"
	real, err := filepath.Abs(tillSource)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(real)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	other, list := filepath.Join(dir, "other.go"), filepath.Join(dir, "overlay.json")
	use := func(replacement string) verdict.Finding {
		t.Helper()
		b, err := json.Marshal(map[string]any{"Replace": map[string]string{real: replacement}})
		if err := errors.Join(err, os.WriteFile(list, b, 0o600)); err != nil {
			t.Fatal(err)
		}
		t.Setenv("GOFLAGS", "-mod=mod -overlay="+list)
		return drifted(t, newTill(), 1, gauge)[gauge]
	}
	if err := os.WriteFile(other, slices.Concat([]byte(strings.Repeat("\n", 100)), text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := use(other)
	if want := marked(t, "up refused")[0] + 100; f.Born.Line != want || f.Born.File != real {
		t.Errorf("born at %s, want line %d", f.Born, want)
	}
	if !strings.Contains(f.Detail, "not the one that was compiled") {
		t.Errorf("that the source is another is not said: %s", f.Detail)
	}
	if f := use(""); f.Born != (verdict.Site{}) || f.Count != 1 { // a removed file: there is no source
		t.Errorf("without source: %+v", f)
	}
}

// inTest is a target in a test's own file.
type inTest struct{ n int }

func (c *inTest) Count() { c.n++ } // up inTest

func TestCounterInTest(t *testing.T) {
	const gauge = "detect_test.inTest.n"
	f := drifted(t, map[string]any{"": &inTest{}}, 1, gauge)[gauge]
	if !strings.HasSuffix(f.Born.File, "/harness/detect/counter_test.go") || !strings.HasSuffix(f.Born.Function, "detect_test.(*inTest).Count") {
		t.Errorf("born at %s", f.Born)
	}
}

func BenchmarkCounters(b *testing.B) {
	target := &gaugesOf{now: map[string]float64{"shop.refused": 1}, roots: newTill()}
	for b.Loop() {
		g := &detect.Gauges{Target: target}
		target.now = map[string]float64{"shop.refused": 1}
		if err := g.Baseline(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
		target.now = map[string]float64{"shop.refused": 2}
		if err := g.Cycle(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
		if _, err := g.Findings(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
