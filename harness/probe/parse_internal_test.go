package probe

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
)

func TestParseMetrics(t *testing.T) {
	t.Parallel()
	page := `# HELP hub_sessions Connections of all kinds.
# TYPE hub_sessions gauge
hub_sessions 3
hub_dropped_total{reason="other_network"} 1.5e3 1700000000000
hub_dropped_total{reason="b",kind="a",} 2
spaced {  x = "1" , y="2" }   7
escaped{text="a \"quoted\", brace } and \\ and \n"} 1
{"dotted.name","odd label"="v"} 4
latency_bucket{le="+Inf"} 9 # {trace="x"} 0.5
not_a_number NaN
infinite +Inf
again 1
again 2
# EOF
`
	want := map[string]float64{
		"hub_sessions": 3, `hub_dropped_total{reason="other_network"}`: 1500, `hub_dropped_total{kind="a",reason="b"}`: 2,
		`spaced{x="1",y="2"}`: 7, `escaped{text="a \"quoted\", brace } and \\ and \n"}`: 1,
		`{"dotted.name","odd label"="v"}`: 4, `latency_bucket{le="+Inf"}`: 9, "again": 2,
	}
	got, err := parseMetrics(page)
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v: %v", got, err)
	}
}

// Another page is an error, not a quiet process.
func TestParseMetricsErrors(t *testing.T) {
	t.Parallel()
	for _, page := range []string{
		"", "# HELP only\n", "PeerPigeon WebSocket Signaling Server", "<html>\n</html>", `{"status":"healthy"}`,
		"a", "a{", "a{x", `a{x="1`, `a{x="1"`, `a{x="1"}`, `a{x="1" y="2"} 1`, `a{="1"} 1`, `a{x=1} 1`, "a one", "a 1 two", "a 1 2 3",
		"1a 1", "{} 1", `a{"b"} 1`, "a # {} 1", "good 1\nbad",
	} {
		if got, err := parseMetrics(page); err == nil {
			t.Errorf("%q: got %v", page, got)
		}
	}
}

func TestParseHealth(t *testing.T) {
	t.Parallel()
	got, err := parseHealth([]byte(`{"status":"healthy","timestamp":"2026-11-23T08:11:17.607Z","uptime":12.5,"isHub":false,"connections":3,
		"hubs":[1,2],"memory":{"rss":1e6,"heapUsed":5,"deep":{"er":1}},"huge":1e999,"none":null}`))
	want := map[string]float64{"uptime": 12.5, "connections": 3, "memory.rss": 1e6, "memory.heapUsed": 5, "memory.deep.er": 1}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v: %v", got, err)
	}
	for _, page := range []string{"", "banner", "null", "[1]", "3", `{}`, `{"status":"healthy"}`, `{"a":1`, `{"a":1}{"b":2}`, `{"a":1} x`} {
		if got, err := parseHealth([]byte(page)); err == nil {
			t.Errorf("%q: got %v", page, got)
		}
	}
}

func FuzzHealth(f *testing.F) {
	for _, seed := range []string{`{"uptime":1,"memory":{"rss":2}}`, `{"a":{"b":{"c":-1e-7}},"a.b":3}`, `[`, `{"":{"":0}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		got, err := parseHealth(page)
		if (err == nil) != (len(got) > 0) {
			t.Errorf("%d numbers and the error %v", len(got), err)
		}
		wantFinite(t, got)
	})
}

// A reading that is written and parsed again stays the same.
func FuzzMetrics(f *testing.F) {
	for _, seed := range []string{"a 1\n", `a{b="c",d="\"\\\n"} 2.5 7`, `{"a b","c d"="e"} 1 # {x="y"} 1`, "# HELP a\na{} 0x1p-2\n", `a{b="}"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, page string) {
		got, err := parseMetrics(page)
		if err != nil || len(got) == 0 {
			return
		}
		wantFinite(t, got)
		var b strings.Builder
		for name, value := range got {
			fmt.Fprintf(&b, "%s %g\n", name, value)
		}
		again, err := parseMetrics(b.String())
		if err != nil || !maps.Equal(got, again) {
			t.Errorf("read %v, and again %v: %v", got, again, err)
		}
	})
}

func wantFinite(t *testing.T, reading map[string]float64) {
	t.Helper()
	for name, v := range reading {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("%q is %v", name, v)
		}
	}
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	got, err := parseStat("7 (odd) 1 2 name) S 1 7 7 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 5 0 1 2 3")
	if err != nil || got != 2 {
		t.Errorf("got %v: %v", got, err)
	}
	for _, s := range []string{"", "7 (a) S 1", strings.Repeat("x ", 30)} {
		if got, err := parseStat(s); err == nil {
			t.Errorf("%q: got %v", s, got)
		}
	}
}
