package verdict_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
)

func fingerprintOf(t *testing.T, change func(*verdict.Run)) string {
	t.Helper()
	r := sample.Leaking()
	change(&r)
	v := verdict.Judge(r)
	if len(v.Leaks) != 1 {
		t.Fatalf("%d leaks, want 1", len(v.Leaks))
	}
	return v.Leaks[0].Fingerprint
}

func TestFingerprintIsStable(t *testing.T) {
	t.Parallel()
	want := fingerprintOf(t, func(*verdict.Run) {})
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(want) || len(verdict.Short(want)) != 6 {
		t.Errorf("a fingerprint like %q", want)
	}
	for name, change := range map[string]func(*verdict.Run){
		"seed_and_commit": func(r *verdict.Run) { r.Seed, r.Commit = 99, "fffffff" },
		"counts": func(r *verdict.Run) {
			r.Findings[0].Count, r.Findings[0].PerCycle = 5, []int64{2, 1, 2}
		},
		"lines": func(r *verdict.Run) {
			for i := range r.Findings {
				r.Findings[i].Born.Line += 7
				r.Findings[i].Stored.Line += 7
			}
		},
		"checkout": func(r *verdict.Run) {
			r.Root = "/elsewhere"
			for i := range r.Findings {
				r.Findings[i].Born.File = "/elsewhere/hub/session.go"
			}
		},
		"trimmed_build": func(r *verdict.Run) {
			for i := range r.Findings {
				r.Findings[i].Born.File = "github.com/pigeonhub/pigeonhub/hub/session.go"
			}
		},
		"keys": func(r *verdict.Run) {
			r.Findings[0].Path = slices.Clone(r.Findings[0].Path)
			r.Findings[0].Path[1].Field, r.Findings[0].Path[3].Field = `["a ] \" b"]`, `["x[0]"]`
		},
		"starred_by_the_detector": func(r *verdict.Run) {
			r.Findings[0].Path = slices.Clone(r.Findings[0].Path)
			r.Findings[0].Path[1].Field, r.Findings[0].Path[3].Field = "[*]", "[*]"
		},
		"import_path_of_the_type": func(r *verdict.Run) { r.Findings[0].Type = "*hub.session" },
		"order":                   func(r *verdict.Run) { slices.Reverse(r.Findings) },
		"other_detectors":         func(r *verdict.Run) { r.Findings = r.Findings[:1] },
	} {
		if got := fingerprintOf(t, change); got != want {
			t.Errorf("%s: the fingerprint is %s, and was %s", name, got, want)
		}
	}
}

func TestFingerprintsDiffer(t *testing.T) {
	t.Parallel()
	at := func(function string) func(*verdict.Finding) {
		return func(f *verdict.Finding) { f.Born = verdict.Site{Function: function, File: "hub/a.go", Line: 3} }
	}
	detail := func(s string) func(*verdict.Finding) { return func(f *verdict.Finding) { f.Detail = s } }
	leaks := []verdict.Finding{
		finding("watch", verdict.Object, of(1, "rst"), typed("*hub.session"), path("hub.Hub", "sessions")),
		finding("watch", verdict.Object, of(1, "rst"), typed("*hub.session"), path("hub.Hub", "peers")),
		finding("watch", verdict.Object, of(1, "rst"), typed("*hub.network"), path("hub.Hub", "peers")),
		finding("watch", verdict.Object, of(1, "rst"), typed("*hub.session")),
		finding("watch", verdict.Object, of(1, "rst"), typed("*hub.session"), at("hub.a")),
		finding("watch", verdict.Timer, of(1, "rst"), typed("*hub.session"), at("hub.a")),
		finding("goroutines", verdict.Goroutine, of(1, "rst"), at("hub.a")),
		finding("goroutines", verdict.Goroutine, of(1, "rst"), at("hub.b")),
		finding("census", verdict.Collection, of(1, "rst"), field("hub.Hub.peers")),
		finding("census", verdict.Collection, of(1, "rst"), field("hub.Hub.networks")),
		finding("invariants", verdict.Invariant, nil, detail("3 peers, 2 sessions")),
		finding("invariants", verdict.Invariant, nil, detail("3 networks, 2 members")),
	}
	seen := make(map[string]int)
	for i, f := range leaks {
		r := sample.Clean()
		r.Findings = []verdict.Finding{f}
		short := verdict.Short(verdict.Judge(r).Leaks[0].Fingerprint)
		if j, ok := seen[short]; ok {
			t.Errorf("leaks %d and %d have the fingerprint %s", i, j, short)
		}
		seen[short] = i
	}
}

// Descriptions of the same leak that differ only in detail have the same fingerprint.
func TestFingerprintsMeet(t *testing.T) {
	t.Parallel()
	at := func(function string) func(*verdict.Finding) {
		return func(f *verdict.Finding) { f.Born.Function = function }
	}
	for _, pair := range [][2]verdict.Finding{
		{finding("g", verdict.Goroutine, odd, at("hub.(*Hub).run.func1")), finding("g", verdict.Goroutine, odd, at("hub.(*Hub).run.func2.1"))},
		{finding("g", verdict.Goroutine, odd, at("hub.run.gowrap1")), finding("g", verdict.Goroutine, odd, at("example.org/x/hub.run.gowrap3"))},
		{finding("g", verdict.Object, odd, typed("*hub.T[go.shape.int]")), finding("g", verdict.Object, odd, typed("*hub.T[go.shape.string]"))},
		{finding("c", verdict.Collection, odd, field("hub.Hub.m[*]")), finding("c", verdict.Collection, odd, field("hub.Hub.m"))},
		{finding("c", verdict.Object, odd, path("goroutine 17 hub.run", "s")), finding("c", verdict.Object, odd, path("goroutine 4 hub.run", "s"))},
		{finding("c", verdict.Object, odd, path("object 0xc000123", "s")), finding("c", verdict.Object, odd, path("object 0xc0009f", "s"))},
		{finding("i", verdict.Invariant, nil, func(f *verdict.Finding) { f.Detail = "3 peers, 2 sessions" }), finding("i", verdict.Invariant, nil, func(f *verdict.Finding) { f.Detail = "14 peers, 1 sessions" })},
	} {
		var got [2]string
		for i, f := range pair {
			r := sample.Clean()
			r.Findings = []verdict.Finding{f}
			v := verdict.Judge(r)
			got[i] = append(v.Leaks, v.Doubtful...)[0].Fingerprint
		}
		if got[0] != got[1] {
			t.Errorf("%+v and %+v have the fingerprints %s and %s", pair[0], pair[1], got[0], got[1])
		}
	}
}
