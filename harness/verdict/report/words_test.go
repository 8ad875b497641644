package report

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

func TestCutKeys(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`m["short"]`:          `m["short"]`,
		`m["ab12cd34ef56ab"]`: `m["ab12…"]`,
		`m["日本語日本語日本語日本語日本"]`:                        `m["日本語日…"]`,
		`m["abcd\"efghijklm"].x["0123456789abcdef"]`: `m["abcd…"].x["0123…"]`,
	} {
		if got := cutKeys(in); got != want {
			t.Errorf("cutKeys(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, line := range wrap("one two three, four aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa five é é é é é é é é", 12) {
		if n := len([]rune(line)); n > 12 || line == "" {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}

// Many findings of one detector are one number: a leak of sessions was seen by sites 31 times.
func TestSeenBy(t *testing.T) {
	t.Parallel()
	l := verdict.Leak{Evidence: []verdict.Evidence{{Principal: true, Finding: verdict.Finding{Detector: "watch"}}}}
	for i := range int64(4) {
		l.Evidence = append(l.Evidence, verdict.Evidence{Finding: verdict.Finding{Detector: "sites", PerCycle: []int64{10 * (i + 1)}}},
			verdict.Evidence{Finding: verdict.Finding{Detector: "census", Field: "a", PerCycle: []int64{7}}})
	}
	if got, want := seenBy(&l), "watch, sites (4 findings), census a +7 a cycle"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
