package regress_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
)

// The minimum number of mutants of each kind.
const (
	minMutants  = 60
	minFamilies = 12 // classes of the catalogue
	minBenign   = 12
	minRare     = 8  // mutants that leak for one peer in a hundred
	stars       = 12 // the hardest classes, each of which must have a mutant
)

// classes is the number of classes of each letter of the catalogue.
var classes = map[byte]int{'A': 19, 'B': 17, 'C': 4, 'D': 7, 'E': 11, 'F': 7, 'G': 9, 'H': 3}

var mutantName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// TestMutantsApply checks that the edits of every mutant apply to the present sources, that its
// description is complete, and that the mutants cover the catalogue. make mutants runs it, and CI:
// who edits the hub for a purpose of their own need not mend the mutants to see whether it leaks.
func TestMutantsApply(t *testing.T) {
	t.Parallel()
	if os.Getenv("PIGEONHUB_MUTANTS") == "" {
		t.Skip("PIGEONHUB_MUTANTS is not set: see make mutants")
	}
	leaks, err := loadMutants(mutantsDir)
	if err != nil {
		t.Fatal(err)
	}
	benign, err := loadMutants(benignDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range slices.Concat(leaks, benign) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			m.check(t)
		})
	}
	for _, m := range leaks {
		if m.benign || !knownClass(m.family) {
			t.Errorf("mutant %s: it is benign, or %q is not a class of the catalogue", m.name, m.family)
		}
	}
	for _, m := range benign {
		if !m.benign {
			t.Errorf("mutant %s is in %s but is not benign", m.name, benignDir)
		}
	}
	wantCover(t, leaks, len(benign))
}

// check checks the edits and the description of a mutant against the present sources.
func (m *mutant) check(t *testing.T) {
	if _, err := m.overlay(t.TempDir()); err != nil {
		t.Error(err)
	}
	if !mutantName.MatchString(m.name) {
		t.Errorf("mutant %s: the name must be lower-case words with hyphens between", m.name)
	}
	for _, s := range m.scenarios {
		if !slices.Contains(scenarioNames(), s) {
			t.Errorf("mutant %s: unknown scenario %q", m.name, s)
		}
	}
}

// wantCover checks that the mutants cover enough of the catalogue.
func wantCover(t *testing.T, leaks []*mutant, benign int) {
	t.Helper()
	families, starred, rare := map[string]bool{}, map[int]bool{}, 0
	for _, m := range leaks {
		families[m.family] = true
		starred[m.star] = true
		if m.rate <= 0.01 {
			rare++
		}
	}
	for star := 1; star <= stars; star++ {
		if !starred[star] {
			t.Errorf("no mutant has star %d", star)
		}
	}
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"mutants", len(leaks), minMutants}, {"classes", len(families), minFamilies},
		{"benign controls", benign, minBenign}, {"mutants that leak for one peer in a hundred", rare, minRare},
	} {
		if c.got < c.want {
			t.Errorf("%d %s, want at least %d", c.got, c.what, c.want)
		}
	}
}

func knownClass(family string) bool {
	if len(family) != 3 {
		return false
	}
	n, err := strconv.Atoi(family[1:])
	return err == nil && n >= 1 && n <= classes[family[0]]
}

// scenarioNames returns the names that a mutant may list under "scenarios".
func scenarioNames() []string {
	names := []string{
		every, "return", "stall", "flood", "trickle", "hub", "subscribe", "reload", "start-stop", "cut-off", "full", "unauthorized",
	}
	for _, s := range slices.Concat(harness.Scenarios(), harness.Patient(), harness.Residents()) {
		names = append(names, s.Name)
	}
	return names
}

// TestMutantsBuild compiles every mutant. It takes minutes, so it runs only if
// PIGEONHUB_MUTANTS_BUILD is set.
func TestMutantsBuild(t *testing.T) {
	if testing.Short() || os.Getenv("PIGEONHUB_MUTANTS_BUILD") == "" {
		t.Skip("PIGEONHUB_MUTANTS_BUILD is not set")
	}
	leaks, err := loadMutants(mutantsDir)
	if err != nil {
		t.Fatal(err)
	}
	benign, err := loadMutants(benignDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range slices.Concat(leaks, benign) {
		t.Run(m.name, func(t *testing.T) {
			p, err := m.overlay(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("go", "build", "-p", "1", "-overlay", p.overlay, "../hub").CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func parseWitness(value string) (witnessKind, error) {
	for _, re := range witnessForms {
		if g := re.FindStringSubmatch(value); g != nil {
			k := witnessKind{name: g[1]}
			if len(g) > 2 {
				k.field = g[2]
				k.bytes, _ = strconv.ParseInt(g[2], 10, 64) // 0 if it is the name of a field
			}
			return k, nil
		}
	}
	return witnessKind{}, fmt.Errorf("unknown witness %q", value)
}

var witnessForms = []*regexp.Regexp{
	regexp.MustCompile(`^(objects|bytes|goroutines|descriptors|finalizers|rss|mapped)$`),
	regexp.MustCompile(`^(stat):(\w+)$`),
	regexp.MustCompile(`^(held|peak):(\d+)$`),
}

func TestNearestLines(t *testing.T) {
	t.Parallel()
	source := "package x\n\nfunc f() {\n\tg()\n\tdefer h()\n}\n\nfunc k() {\n\tg()\n\tl()\n}\n"
	if got, want := nearest(source, "\tg()\n\tl()\n\tm()\n"), "today's lines from 9 on:\n\tg()\n\tl()\n}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := nearest(source, "\tq()\n}\n"); !strings.HasPrefix(got, "nothing") {
		t.Errorf("got %q", got)
	}
}

func TestThreeDaysMeasureTheWholeSample(t *testing.T) {
	t.Parallel()
	sample := []*mutant{{name: "a"}, {name: "b"}, {name: "c"}, {name: "d"}}
	today := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var all []*mutant
	for day := range 3 {
		all = append(all, thirdOf(sample, today.AddDate(0, 0, day))...)
	}
	slices.SortFunc(all, func(a, b *mutant) int { return strings.Compare(a.name, b.name) })
	if !slices.Equal(all, sample) {
		t.Errorf("three days measure %d of %d mutants", len(all), len(sample))
	}
}
