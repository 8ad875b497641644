package regress_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness"
)

// What the planted leaks must at least cover.
const (
	minMutants  = 60
	minFamilies = 12
	minBenign   = 12
	minRare     = 8 // that hit one peer in a hundred
	stars       = 12
)

// classes is how many classes of each letter the catalogue has.
var classes = map[byte]int{'A': 19, 'B': 17, 'C': 4, 'D': 7, 'E': 11, 'F': 7, 'G': 9, 'H': 3}

var mutantName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Every planted leak still applies to the hub as it is, and says of itself what
// the campaign needs to know.
func TestMutantsApply(t *testing.T) {
	t.Parallel()
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
			t.Errorf("mutant %s: %q is no class of the catalogue", m.name, m.family)
		}
	}
	for _, m := range benign {
		if !m.benign {
			t.Errorf("mutant %s lies among the benign ones and is none", m.name)
		}
	}
	wantCover(t, leaks, len(benign))
}

// check checks what a mutant says of itself against the hub as it is.
func (m *mutant) check(t *testing.T) {
	if _, err := m.overlay(t.TempDir()); err != nil {
		t.Error(err)
	}
	if !mutantName.MatchString(m.name) {
		t.Errorf("mutant %s: the name must be words in lower case with hyphens between", m.name)
	}
	for _, s := range m.scenarios {
		if !slices.Contains(scenarioNames(), s) {
			t.Errorf("mutant %s: there is no scenario %q", m.name, s)
		}
	}
}

// wantCover checks how much of the catalogue is planted.
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
			t.Errorf("no mutant is of the starred class %d", star)
		}
	}
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"mutants", len(leaks), minMutants}, {"families", len(families), minFamilies},
		{"benign controls", benign, minBenign}, {"mutants that hit one peer in a hundred", rare, minRare},
	} {
		if c.got < c.want {
			t.Errorf("there are %d %s, want %d", c.got, c.what, c.want)
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

// scenarioNames returns what may stand under "scenarios".
func scenarioNames() []string {
	names := []string{
		every, "return", "stall", "flood", "trickle", "hub", "subscribe", "start-stop", "cut-off", "full", "unauthorized",
	}
	for _, s := range slices.Concat(harness.Scenarios(), harness.Patient()) {
		names = append(names, s.Name)
	}
	return names
}

// Every planted leak compiles. It takes minutes, so only on request.
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
				k.bytes, _ = strconv.ParseInt(g[2], 10, 64) // 0 where it is a name
			}
			return k, nil
		}
	}
	return witnessKind{}, fmt.Errorf("%q is no witness", value)
}

var witnessForms = []*regexp.Regexp{
	regexp.MustCompile(`^(objects|bytes|goroutines|descriptors|finalizers|rss)$`),
	regexp.MustCompile(`^(stat):(\w+)$`),
	regexp.MustCompile(`^(held|peak):(\d+)$`),
}
