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

// Memory is in bytes; what is kept behind the length of a slice has no cost by the day, because it
// is bounded.
func TestWordsOfBytes(t *testing.T) {
	t.Parallel()
	memory := verdict.Leak{
		Class: verdict.Memory, Born: verdict.Site{Function: "main.(*certificate).get"}, Count: 12_000, Bytes: 12_000, Peers: 400, Grew: 4, Cycles: 4,
		BytesPerDay: 1e6, Evidence: []verdict.Evidence{{Finding: verdict.Finding{Detector: "sites", Class: verdict.Memory, PerCycle: []int64{2000, 3000}}}},
	}
	tail := verdict.Leak{Class: verdict.Object, Type: "*hub.session", Count: 3, Bytes: 1200, Peers: 60, BytesPerDay: 1e6,
		Path: []verdict.Edge{{Holder: "*hub.network", Field: "members[12, beyond its length 5]"}}}
	nameless := verdict.Leak{Path: []verdict.Edge{{Kind: verdict.VariableHolder, Holder: "a package variable"}}}
	for _, tt := range []struct{ got, want string }{
		{title(&memory), "memory of main.(*certificate).get grows"},
		{perPeer(&memory), "30 B per peer"},
		{figures(&memory), "12 kB from 400 peers in 4 of 4 cycles"},
		{seenBy(&memory), "sites +2.0 kB to +3.0 kB a cycle"},
		{cost(&memory, 10), "12 kB in this run; a hub with 10 peers a second loses 1.0 MB a day"},
		{cost(&tail, 10), "1.2 kB in this run; kept behind the length of a slice, so bounded by its peak"},
		{keptBy(&tail), "*hub.network.members[12, beyond its length 5] -> *hub.session"},
		{wentIn(&nameless), "go test -ldflags=-w=0 names the variable"},
		{wentIn(&tail), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}
