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
		if got := ShortName(in); got != want {
			t.Errorf("ShortName(%q) = %q, want %q", in, got, want)
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
		if got := PathText(tt.edges); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
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
