package verdict

import "testing"

func TestShortName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":             "",
		"*hub.session": "*hub.session",
		"*github.com/pigeonhub/pigeonhub/hub.session":                                                 "*hub.session",
		"github.com/pigeonhub/pigeonhub/hub.(*Hub).accept.func1":                                      "hub.(*Hub).accept.func1",
		"map[github.com/p/wire.PeerID]*github.com/p/hub.session":                                      "map[wire.PeerID]*hub.session",
		"example.org/a/b.Pair[example.org/c.D,[]example.org/e.F]":                                     "b.Pair[c.D,[]e.F]",
		`example.org/hub.Hub.networks["a/b"].members["c/d e/f"]`:                                      `hub.Hub.networks["a/b"].members["c/d e/f"]`,
		"goroutine 7 example.org/hub.(*session).run":                                                  "goroutine 7 hub.(*session).run",
		"func(context.Context, *example.org/hub.Event) (<-chan example.org/hub.Event, error) literal": "func(context.Context, *hub.Event) (<-chan hub.Event, error) literal",
	} {
		if got := shortName(in); got != want {
			t.Errorf("shortName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPathText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		edges []Edge
		want  string
	}{
		{nil, ""},
		{[]Edge{{Holder: "hub.theHub"}}, "hub.theHub"},
		{[]Edge{{Holder: "hub.Hub", Field: "peers"}, {Holder: "map[string]*hub.session", Field: `["a"]`}}, `hub.Hub.peers["a"]`},
		{[]Edge{{Holder: "var hub.theHub", Field: `networks["a"]`}, {Holder: "*hub.network", Field: "members[3]"}, {Holder: "object of 48 bytes", Field: "+0x10"}},
			`hub.theHub.networks["a"].members[3] -> object of 48 bytes: +0x10`},
		{[]Edge{{Holder: "runtime timers", Field: "[7].f"}, {Holder: "func hub.(*session).arm.func1", Field: "s"}}, "runtime timers[7].f -> func hub.(*session).arm.func1: s"},
		{[]Edge{{Holder: "hub.theHub"}, {Holder: "*hub.network"}, {Holder: "*hub.session"}}, "hub.theHub -> *hub.network -> *hub.session"},
		{[]Edge{{Holder: "hub.Hub", Field: "leave"}, {Holder: "[]func()", Field: "[3]"}, {Holder: "closure hub.(*Hub).join.func1", Field: "p"}},
			"hub.Hub.leave[3] -> closure hub.(*Hub).join.func1: p"},
		{[]Edge{{Holder: "goroutine hub.(*session).write", Field: "s"}}, "goroutine hub.(*session).write: s"},
	} {
		if got := pathText(tt.edges, shortName); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

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

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ got, want string }{
		{number(0), "0"}, {number(999), "999"}, {number(1009), "1,009"}, {number(-1234567), "-1,234,567"},
		{size(0), "0 B"}, {size(412), "412 B"}, {size(999.9), "1.0 kB"}, {size(1_247_124), "1.2 MB"}, {size(355_968_000), "356 MB"}, {size(-2048), "-2.0 kB"}, {size(3.2e13), "32 TB"},
		{amount(0), "0"}, {amount(1.5), "1.50"}, {amount(12.34), "12.3"}, {amount(1234.5), "1,235"}, {amount(0.0012), "0.0012"},
		{perPeer(1), "1.00"}, {perPeer(0.01), "1 in 100"}, {ofPeers(0.01), "1 per 100 peers"}, {ofPeers(2.5), "2.50 per peer"},
		{oneIn("object", 140.9), "1 object per 140 peers"}, {oneIn("object", 1), "1 object per 1 peer"}, {oneIn("entry", 0.3), "4 entries per peer"},
		{lasted(0.25), "0.2 s"}, {lasted(21), "21 s"}, {lasted(250), "4 m 10 s"}, {lasted(93780), "26 h 3 m"},
		{enumerate(nil), ""}, {enumerate([]string{"a"}), "a"}, {enumerate([]string{"a", "b", "c"}), "a, b and c"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestGlob(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"a", "a", true}, {"a", "ab", false}, {"*", "", true}, {"*", "a/b[c]", true},
		{"*hub.session", "*hub.session", true}, {"*session", "*hub.session", true}, {"hub.*.peers", "hub.Hub.peers", true}, {"hub.*.peers", "hub.Hub.peersx", false},
		{"hub.Hub.networks[*].members", "hub.Hub.networks[*].members", true}, {"a*b*c", "axxbyyc", true}, {"a*b*c", "axxcyyb", false},
	} {
		if got := glob(tt.pattern, tt.s); got != tt.want {
			t.Errorf("glob(%q, %q) = %v", tt.pattern, tt.s, got)
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

func TestTicks(t *testing.T) {
	t.Parallel()
	for _, span := range [][2]float64{{0, 1}, {0, 9}, {-3, 3027}, {0, 3.6e6}, {5, 5}, {0, 1e-6}} {
		list := ticks(span[0], span[1], 5)
		if len(list) < 1 || len(list) > 9 {
			t.Errorf("%v has the ticks %v", span, list)
		}
		for i, x := range list {
			if x < span[0] || x > span[1]*1.000001 || i > 0 && x <= list[i-1] {
				t.Errorf("%v has the ticks %v", span, list)
			}
		}
	}
}
