package loadgen

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
)

// Every profile but the plainest is in an example, and each example is named as its
// file.
func TestPlanExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/plans/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		p, err := LoadPlan(file)
		if err != nil {
			t.Error(err)
			continue
		}
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		if p.Name != name {
			t.Errorf("the plan in %s is named %q", file, p.Name)
		}
		for _, f := range p.Phases {
			seen[f.Profile] = true
		}
	}
	for _, w := range Words() {
		if w.Word != "steady" && !seen[w.Word] {
			t.Errorf("no example has the profile %s", w.Word)
		}
	}
}

// One of them is run: its phases follow each other, and our hub does well.
func TestSmokePlan(t *testing.T) {
	t.Parallel()
	p, err := LoadPlan("../testdata/plans/smoke.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, Config{URL: ourHub(t, hub.Config{}), Plan: p})
	wantWell(t, &r, int64(20+20+20+len(inputsNamed("message: n"))))
	for _, name := range []string{"discoveries heard", "herd 1: back"} {
		if figureOf(&r, name) == 0 {
			t.Errorf("no figure %q in %+v", name, r.Figures)
		}
	}
}
