package stack

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Every package of the harness is either in the set or one of others, which allocate nothing
// that a detector reads.
func TestInstrumentIsAClosedSet(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "github.com/pigeonhub/pigeonhub/harness/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	const pkg = "github.com/pigeonhub/pigeonhub/harness"
	others := []string{pkg + "/cover", pkg + "/deptest", pkg + "/detect/internal", pkg + "/internal", pkg + "/mutate", pkg + "/probe", pkg + "/serve", pkg + "/verdict"}
	all := strings.Fields(string(out))
	for _, p := range all {
		other := slices.ContainsFunc(others, func(o string) bool { return p == o || strings.HasPrefix(p, o+"/") })
		if instrument[p] == other {
			t.Errorf("%s is in the set: %v; decide here", p, instrument[p])
		}
	}
	for p := range instrument {
		if !slices.Contains(all, p) {
			t.Errorf("there is no package %s", p)
		}
	}
	for function, want := range map[string]bool{
		pkg + ".Retainers":                           true,
		pkg + ".(*Watch).add.func1":                  true,
		pkg + "_test.TestRetainers":                  false,
		pkg + "/testdata/chathub.(*Hub).Join":        false,
		strings.TrimSuffix(pkg, "/harness") + ".New": false,
	} {
		if IsInstrument(function) != want {
			t.Errorf("IsInstrument(%q) = %v", function, !want)
		}
	}
}
