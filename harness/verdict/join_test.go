package verdict_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// finding returns a finding with the options applied.
func finding(detector string, class verdict.Class, perCycle []int64, options ...func(*verdict.Finding)) verdict.Finding {
	f := verdict.Finding{Detector: detector, Class: class, PerCycle: perCycle}
	for _, n := range perCycle {
		f.Count += n
	}
	for _, o := range options {
		o(&f)
	}
	return f
}

func typed(s string) func(*verdict.Finding) { return func(f *verdict.Finding) { f.Type = s } }
func field(s string) func(*verdict.Finding) { return func(f *verdict.Finding) { f.Field = s } }
func born(file string, line int) func(*verdict.Finding) {
	return func(f *verdict.Finding) { f.Born = verdict.Site{File: file, Line: line} }
}
func stored(file string, line int) func(*verdict.Finding) {
	return func(f *verdict.Finding) { f.Stored = verdict.Site{File: file, Line: line} }
}

// path takes holder and field by turns.
func path(words ...string) func(*verdict.Finding) {
	return func(f *verdict.Finding) {
		for i := 0; i < len(words); i += 2 {
			f.Path = append(f.Path, verdict.Edge{Holder: words[i], Field: words[i+1]})
		}
	}
}

// heldBy sets a path that begins in a frame of a goroutine, in a finalizer, or, by a closure, in
// the pending timers.
func heldBy(kind verdict.HolderKind, holder, function string) func(*verdict.Finding) {
	return func(f *verdict.Finding) {
		f.Path = []verdict.Edge{{Kind: kind, Holder: holder, Field: "s", Site: verdict.Site{Function: function}}}
		if kind == verdict.TimersHolder {
			f.Path = append(f.Path, verdict.Edge{Kind: verdict.FunctionHolder, Holder: "func " + function, Site: verdict.Site{Function: function}})
		}
	}
}

// finalizedAt sets a path that begins in the finalizer of an object that was allocated at a line of
// a.go.
func finalizedAt(holder string, line int) func(*verdict.Finding) {
	return func(f *verdict.Finding) {
		f.Path = []verdict.Edge{{Kind: verdict.FinalizerHolder, Holder: holder, Site: verdict.Site{File: "a.go", Line: line}}}
	}
}

// of is short for what the cases below are made of.
var of = sample.Retained

// odd is growth that fits no scenario.
var odd = []int64{700, 123, 415}

func TestJoin(t *testing.T) {
	t.Parallel()
	members, session := field("hub.Hub.networks[*].members"), typed("*hub.session")
	inMembers := path("hub.Hub", "networks", "map[string]*hub.network", `["a"]`, "*hub.network", "members", "map[x]*hub.session", `["b"]`)
	offered := path("hub.Hub", "parking.order[3]", "*hub.session", "offers[key]")
	callee := func(f *verdict.Finding) {
		f.Born = verdict.Site{Function: "admin.encode", File: "health.go", Line: 106}
		f.Detail = "health.go:106 admin.encode\nhealth.go:56 admin.(*public).health\nserver.go:9 http.serve"
	}
	caller := func(f *verdict.Finding) {
		f.Born = verdict.Site{Function: "admin.(*public).health", File: "health.go", Line: 66}
		f.Detail = "sync/map.go:40 sync.(*Map).Store\nhealth.go:66 admin.(*public).health\nserver.go:9 http.serve"
	}
	replaced := finding("sites", verdict.Object, []int64{19, 13, 89}, born("accept.go", 39),
		path("hub.Hub", "parking.order[3]", "*hub.session", "replaced (repeated)"))
	ofSession := func(f *verdict.Finding) {
		path("hub.Hub", "parking.order[3]", "*hub.session", "name")(f)
		f.Path[1].Site = replaced.Born
	}
	inServe := func(f *verdict.Finding) { f.Born.Function = "http.serve" }
	nearText := func(f *verdict.Finding) { f.PerScenario = map[string]int64{"rst": f.Count - 5, "roam": 5} }
	otherLine := func(f *verdict.Finding) { f.Born.Line++ }
	for _, tt := range []struct {
		name string
		list []verdict.Finding
		want string // detectors of each leak, sorted
	}{
		{"nothing", nil, ""},
		{"one", []verdict.Finding{finding("watch", verdict.Object, of(1, "rst"), session)}, "watch"},

		// The same thing, in other words.
		{"same_type", []verdict.Finding{finding("watch", verdict.Object, odd, session), finding("unclosed", verdict.Unclosed, of(1, "rst"), session)}, "unclosed watch"},
		{"types_that_say_nothing", []verdict.Finding{finding("watch", verdict.Object, odd, typed("[]uint8")), finding("sites", verdict.Object, of(1, "rst"), typed("[]uint8"))}, "sites, watch"},
		{"same_line", []verdict.Finding{finding("sites", verdict.Object, odd, born("a.go", 3)), finding("goroutines", verdict.Goroutine, []int64{5, 0, 9}, born("a.go", 3))}, "goroutines sites"},
		{"two_types_watched_at_one_line", []verdict.Finding{finding("watch", verdict.Object, odd, session, born("a.go", 3)), finding("watch", verdict.Object, []int64{5, 0, 9}, typed("*hub.network"), born("a.go", 3))}, "watch, watch"},
		{"other_line", []verdict.Finding{finding("goroutines", verdict.Goroutine, odd, born("a.go", 3)), finding("goroutines", verdict.Goroutine, []int64{5, 0, 9}, born("a.go", 4))}, "goroutines, goroutines"},
		{"same_collection", []verdict.Finding{finding("census", verdict.Collection, odd, members), finding("gauges", verdict.Gauge, nil, members)}, "census gauges"},
		{"path_through_the_collection", []verdict.Finding{finding("watch", verdict.Object, of(1, "rst"), session, inMembers), finding("census", verdict.Collection, odd, members)}, "census watch"},
		{"line_where_it_went_in", []verdict.Finding{finding("watch", verdict.Object, odd, session, stored("n.go", 61)), finding("sites", verdict.Object, []int64{4, 0, 8}, born("n.go", 61))}, "sites watch"},
		{"what_hangs_below", []verdict.Finding{finding("watch", verdict.Object, of(1, "rst"), session, inMembers),
			finding("watch", verdict.Object, odd, typed("*hub.buffer"), inMembers, path("*hub.session", "out"))}, "watch watch"},
		{"one_insert_on_two_paths", []verdict.Finding{
			finding("watch", verdict.Object, of(1, "rst"), session, offered, stored("n.go", 61)),
			finding("sites", verdict.Object, of(1, "rst"), born("a.go", 3), offered, stored("n.go", 61), nearText),
			finding("census", verdict.Collection, of(1, "rst"), field("hub.Hub.peers[*].offers"), stored("n.go", 61))}, "census sites watch"},
		{"two_inserts_of_one_line", []verdict.Finding{
			finding("watch", verdict.Object, of(1, "rst"), session, offered, stored("n.go", 61)),
			finding("census", verdict.Collection, of(1, "roam"), field("hub.Hub.peers[*].offers"), stored("n.go", 61))}, "census, watch"},
		{"made_for_the_caller", []verdict.Finding{
			finding("sites", verdict.Object, []int64{39, 41, 40}, callee), finding("sites", verdict.Object, []int64{130, 136, 133}, caller)}, "sites sites"},
		{"two_lines_of_one_function", []verdict.Finding{
			finding("sites", verdict.Object, []int64{805, 830, 850}, caller),
			finding("sites", verdict.Object, []int64{237, 244, 246}, caller, otherLine)}, "sites sites"},
		{"made_far_below", []verdict.Finding{
			finding("sites", verdict.Object, []int64{39, 41, 40}, callee),
			finding("sites", verdict.Object, []int64{130, 136, 133}, born("server.go", 12), inServe)}, "sites, sites"},
		{"made_for_the_caller_but_growing_otherwise", []verdict.Finding{
			finding("sites", verdict.Object, []int64{39, 41, 40}, callee), finding("sites", verdict.Object, []int64{100, 166, 133}, caller)}, "sites, sites"},

		{"what_hangs_on_what_leaks", []verdict.Finding{
			replaced, finding("sites", verdict.Object, []int64{4, 5, 6}, born("announce.go", 15), ofSession)}, "sites sites"},
		{"what_grows_more_than_what_leaks", []verdict.Finding{
			replaced, finding("sites", verdict.Object, []int64{24, 5, 6}, born("announce.go", 15), ofSession)}, "sites, sites"},

		// Held by the links of a chain.
		{"links_of_a_chain", []verdict.Finding{
			finding("watch", verdict.Object, odd, session, path("hub.Hub", "last", "*hub.failure", "before (repeated)", "*hub.failure", "session")),
			finding("watch", verdict.Object, []int64{0, 0, 1}, session, path("hub.Hub", "last", "*hub.failure", "before", "*hub.failure", "session")),
			finding("sites", verdict.Object, []int64{0, 0, 1}, session, path("hub.Hub", "last", "*hub.failure", "session")),
			finding("census", verdict.Collection, []int64{5, 0, 9}, field("hub.Hub.last.before.session.out"))}, "census sites watch watch"},
		{"beside_a_chain", []verdict.Finding{
			finding("watch", verdict.Object, odd, typed("*hub.failure"), path("hub.Hub", "last", "*hub.failure", "before (repeated)")),
			finding("census", verdict.Collection, []int64{5, 0, 9}, field("hub.Hub.last.names"))}, "census, watch"},

		// Held by frames.
		{"frames_of_one_function", []verdict.Finding{
			finding("watch", verdict.Object, odd, session, heldBy(verdict.GoroutineHolder, "goroutine 7 hub.run", "x.org/hub.run")),
			finding("timers", verdict.Timer, []int64{5, 0, 9}, heldBy(verdict.GoroutineHolder, "goroutine 9 hub.run", "x.org/hub.run"))}, "timers watch"},
		{"frames_of_two_functions", []verdict.Finding{
			finding("watch", verdict.Object, odd, session, heldBy(verdict.GoroutineHolder, "goroutine 7 hub.run", "x.org/hub.run")),
			finding("timers", verdict.Timer, []int64{5, 0, 9}, heldBy(verdict.GoroutineHolder, "goroutine 9 hub.rest", "x.org/hub.rest"))}, "timers, watch"},
		{"timers_that_call_one_function", []verdict.Finding{
			finding("watch", verdict.Object, odd, session, heldBy(verdict.TimersHolder, "runtime timers", "x.org/hub.fire")),
			finding("sites", verdict.Object, []int64{5, 0, 9}, heldBy(verdict.TimersHolder, "runtime timers", "x.org/hub.fire"))}, "sites watch"},
		{"one_finalizer", []verdict.Finding{
			finding("watch", verdict.Object, odd, session, heldBy(verdict.FinalizerHolder, "finalizer of *hub.file", "")),
			finding("sites", verdict.Object, []int64{5, 0, 9}, heldBy(verdict.FinalizerHolder, "finalizer of *hub.file", ""))}, "sites watch"},
		{"one_finalizer_in_other_words", []verdict.Finding{
			finding("watch", verdict.Object, odd, session, finalizedAt("finalizer of *hub.file", 38)),
			finding("sites", verdict.Object, []int64{5, 0, 9}, finalizedAt("finalizer of object of 480 bytes", 38))}, "sites watch"},
		{"two_finalizers", []verdict.Finding{
			finding("watch", verdict.Object, odd, session, finalizedAt("finalizer of *hub.file", 38)),
			finding("sites", verdict.Object, []int64{5, 0, 9}, finalizedAt("finalizer of *hub.file", 40))}, "sites, watch"},

		// The same growth.
		{"same_scenario", []verdict.Finding{finding("watch", verdict.Object, of(1, "rst"), session), finding("descriptors", verdict.Descriptor, of(1, "rst"), typed("socket"))}, "descriptors watch"},
		{"several_objects_a_peer", []verdict.Finding{finding("watch", verdict.Object, of(1, "rst"), session), finding("sites", verdict.Object, of(3, "rst"), born("b.go", 9))}, "sites watch"},
		{"same_pair_of_scenarios", []verdict.Finding{finding("watch", verdict.Object, of(1, "rst", "vanish"), session), finding("timers", verdict.Timer, of(1, "rst", "vanish"))}, "timers watch"},
		{"other_scenario", []verdict.Finding{finding("goroutines", verdict.Goroutine, of(1, "rst"), typed("hub.a")), finding("timers", verdict.Timer, of(1, "roam"), typed("hub.b"))}, "goroutines, timers"},
		{"other_scenario_same_type", []verdict.Finding{finding("watch", verdict.Object, of(1, "rst"), session), finding("unclosed", verdict.Unclosed, of(1, "roam"), session)}, "unclosed, watch"},
		{"same_few_by_chance", []verdict.Finding{finding("goroutines", verdict.Goroutine, []int64{1, 1, 1}, typed("hub.a")), finding("timers", verdict.Timer, []int64{1, 1, 1}, typed("hub.b"))}, "goroutines, timers"},
		{"same_odd_growth", []verdict.Finding{finding("goroutines", verdict.Goroutine, odd, typed("hub.a")), finding("timers", verdict.Timer, odd, typed("hub.b"))}, "goroutines timers"},
		{"same_odd_growth_but_noisy", []verdict.Finding{finding("sites", verdict.Object, []int64{9, 10, 12}, born("a.go", 3)), finding("census", verdict.Collection, []int64{10, 12, 9}, field("hub.x"))}, "census, sites"},
		{"told_and_not_solved", []verdict.Finding{finding("watch", verdict.Object, []int64{31, 12, 18}, session, func(f *verdict.Finding) { f.PerScenario = map[string]int64{"rst": 61} }),
			finding("goroutines", verdict.Goroutine, []int64{31, 12, 18}, typed("hub.b"))}, "goroutines watch"},
		{"some_peers_and_all_peers", []verdict.Finding{finding("goroutines", verdict.Goroutine, []int64{50, 61, 48}, typed("hub.a")), finding("timers", verdict.Timer, of(1, "rst"), typed("hub.b"))}, "goroutines, timers"},

		// Two leaks.
		{"two_paths", []verdict.Finding{finding("watch", verdict.Object, odd, session, inMembers), finding("watch", verdict.Object, []int64{5, 0, 9}, session, path("hub.Hub", "hubs", "map", `["c"]`))}, "watch, watch"},
		{"one_line_of_two_leaks", []verdict.Finding{
			finding("watch", verdict.Object, of(1, "rst"), session, inMembers), finding("watch", verdict.Object, of(1, "roam"), session, path("hub.Hub", "hubs", "map", `["c"]`)),
			finding("sites", verdict.Object, of(1, "rst", "roam"), session, born("b.go", 9))}, "sites watch, sites watch"},

		// Totals.
		{"total_of_the_only_leak", []verdict.Finding{finding("watch", verdict.Object, of(1, "rst"), session), finding("drift", verdict.Object, odd)}, "drift watch"},
		{"total_of_the_same_scenario", []verdict.Finding{finding("watch", verdict.Object, of(1, "rst"), session), finding("watch", verdict.Object, of(1, "roam"), typed("*hub.x")), finding("drift", verdict.Object, of(7, "roam"))}, "drift watch, watch"},
		{"total_of_several", []verdict.Finding{finding("watch", verdict.Object, of(1, "rst"), session), finding("watch", verdict.Object, of(1, "roam"), typed("*hub.x")), finding("drift", verdict.Goroutine, odd)}, "drift, watch, watch"},
		{"totals_alone", []verdict.Finding{finding("drift", verdict.Object, odd), finding("invariants", verdict.Invariant, nil)}, "drift invariants"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for turn := range len(tt.list) + 1 { // in every order of a ring, both ways
				r := sample.Clean()
				r.Findings = slices.Concat(tt.list[turn%max(1, len(tt.list)):], tt.list[:turn%max(1, len(tt.list))])
				if turn == len(tt.list) {
					slices.Reverse(r.Findings)
				}
				v := verdict.Judge(r)
				if got := detectorsOf(v); got != tt.want {
					t.Errorf("from turn %d: got %q, want %q", turn, got, tt.want)
				}
			}
		})
	}
}

func detectorsOf(v verdict.Verdict) string {
	var leaks []string
	for _, l := range slices.Concat(v.Leaks, v.Doubtful) {
		var seen []string
		for _, e := range l.Evidence {
			seen = append(seen, e.Detector)
		}
		slices.Sort(seen)
		leaks = append(leaks, strings.Join(seen, " "))
	}
	slices.Sort(leaks)
	return strings.Join(leaks, ", ")
}

// The cause names the leak, not what hangs on it.
func TestMostTellingClass(t *testing.T) {
	t.Parallel()
	all := []verdict.Finding{
		finding("watch", verdict.Object, of(1, "rst"), typed("*hub.session"), path("hub.Hub", "sessions")),
		finding("sites", verdict.Object, of(1, "rst"), born("b.go", 9)),
		finding("census", verdict.Collection, of(1, "rst"), field("hub.Hub.sessions")),
		finding("descriptors", verdict.Descriptor, of(1, "rst")),
		finding("gauges", verdict.Gauge, of(1, "rst"), field("sessions")),
		finding("invariants", verdict.Invariant, nil),
	}
	for _, tt := range []struct {
		findings []verdict.Finding
		want     verdict.Class
		title    string
	}{
		{all[5:], verdict.Invariant, "invariant broken"},
		{all[4:], verdict.Gauge, "gauge sessions is wrong"},
		{[]verdict.Finding{all[1], all[2]}, verdict.Collection, "hub.Hub.sessions grows"},
		{all[1:], verdict.Descriptor, "descriptor left open"},
		{all, verdict.Object, "*hub.session retained"},
		{append([]verdict.Finding{finding("unclosed", verdict.Unclosed, of(1, "rst"), typed("*net.TCPConn"))}, all...), verdict.Unclosed, "*net.TCPConn dropped, never closed"},
		{append([]verdict.Finding{finding("goroutines", verdict.Goroutine, of(1, "rst"), typed("hub.(*session).write"))}, all...), verdict.Goroutine, "goroutine hub.(*session).write does not end"},
		{append([]verdict.Finding{goroutines(of(1, "rst")...)}, all...), verdict.Goroutine, "goroutine of hub.(*session).start does not end"},
		{append([]verdict.Finding{finding("timers", verdict.Timer, of(1, "rst"))}, all...), verdict.Timer, "timer *hub.session still armed"},
		// A goroutine that does not end holds the timer it waits for.
		{append([]verdict.Finding{finding("timers", verdict.Timer, of(1, "rst")), goroutines(of(1, "rst")...)}, all...), verdict.Goroutine, "goroutine of hub.(*session).start does not end"},
		{append([]verdict.Finding{finding("subscriptions", verdict.Subscription, of(1, "rst"), field("peer.joined")), goroutines(of(1, "rst")...)}, all...), verdict.Subscription, "subscription peer.joined never removed"},
		{[]verdict.Finding{finding("cpu", verdict.CPU, nil)}, verdict.CPU, "work while no peer is connected"},
		{[]verdict.Finding{finding("sites", verdict.Object, of(1, "rst"), born("b.go", 9))}, verdict.Object, "object of b.go:9 retained"},
	} {
		t.Run(fmt.Sprint(tt.want), func(t *testing.T) {
			t.Parallel()
			r := sample.Clean()
			r.Findings = tt.findings
			v := verdict.Judge(r)
			if len(v.Leaks) != 1 || v.Leaks[0].Class != tt.want {
				t.Fatalf("got %+v, want one leak of class %s", v.Leaks, tt.want)
			}
			var text strings.Builder
			report.Text(&text, v)
			if !strings.Contains(text.String(), tt.title) {
				t.Errorf("no %q in:\n%s", tt.title, text.String())
			}
		})
	}
}

// Detectors see the same bytes: they are not added up.
func TestWhatALeakCosts(t *testing.T) {
	t.Parallel()
	r := sample.Clean()
	sites := func(line int, bytes int64) verdict.Finding {
		f := finding("sites", verdict.Object, of(1, "rst"), born("b.go", line))
		f.Bytes = bytes
		return f
	}
	watch := finding("watch", verdict.Object, of(1, "rst"), typed("*hub.session"))
	watch.Bytes = 3027 * 100
	r.Findings, r.Rate = []verdict.Finding{sites(1, 3027*300), watch, sites(2, 3027*112)}, 2
	l := verdict.Judge(r).Leaks[0]
	if l.Bytes != 3027*412 || l.BytesPerPeer != 412 || l.BytesPerDay != 412*2*86400 || l.CountPerDay != 2*86400 {
		t.Errorf("got %d bytes, %v per peer, %v and %v things a day", l.Bytes, l.BytesPerPeer, l.BytesPerDay, l.CountPerDay)
	}
	if l.Count != 3027 || l.Peers != 3027 || l.Grew != 3 || l.Cycles != 3 {
		t.Errorf("got %d of %d in %d of %d cycles", l.Count, l.Peers, l.Grew, l.Cycles)
	}
}

// Findings of a watch with the same type and path are one leak, and their counts add up.
func TestFindingsOfOneDetectorAddUp(t *testing.T) {
	t.Parallel()
	r := sample.Clean()
	p := path("hub.Hub", "sessions")
	r.Findings = []verdict.Finding{
		finding("watch", verdict.Object, of(1, "rst"), typed("*hub.session"), p),
		finding("watch", verdict.Object, of(1, "roam"), typed("*hub.session"), p),
	}
	v := verdict.Judge(r)
	if len(v.Leaks) != 1 {
		t.Fatalf("%d leaks, want 1", len(v.Leaks))
	}
	l := v.Leaks[0]
	if l.Count != 3027+13537 || l.Source.String() != "rst and roam" || l.Source.PerPeer != 1 {
		t.Errorf("got %d, %s, %v per peer", l.Count, l.Source, l.Source.PerPeer)
	}
}

// A few objects that retain many name the leak, and its scenario. A few objects that are attached
// to a leak do not name it.
func TestWhatHoldsManyIsNoSmallPart(t *testing.T) {
	t.Parallel()
	r := sample.Clean()
	bytes := func(n int64) func(*verdict.Finding) { return func(f *verdict.Finding) { f.Bytes = n } }
	list := finding("sites", verdict.Object, of(1, "vanish"), born("hub/events.go", 10), bytes(1000), path("hub.Hub", "listed[key]"))
	list.PerScenario = map[string]int64{"vanish": list.Count}
	ids := finding("sites", verdict.Object, []int64{9000, 9100, 9200}, born("hub/id.go", 20), bytes(9000),
		path("hub.Hub", "listed[key]", "*hub.Subscription", "events[3].PeerID"))
	ids.PerScenario = map[string]int64{"clean": ids.Count}
	r.Findings = []verdict.Finding{ids, list}
	v := verdict.Judge(r)
	if len(v.Leaks) != 1 || v.Leaks[0].Born.Line != 10 || v.Leaks[0].Source.String() != "scenario vanish" {
		t.Errorf("%d leaks, the first born at %s from %s", len(v.Leaks), v.Leaks[0].Born, v.Leaks[0].Source)
	}
	ids.Path = []verdict.Edge{{Holder: "hub.Hub", Field: "listed[key]"}}
	list.Path = []verdict.Edge{{Holder: "hub.Hub", Field: "listed[key]"}, {Holder: "*hub.Subscription", Field: "note"}}
	r.Findings = []verdict.Finding{ids, list}
	if v := verdict.Judge(r); v.Leaks[0].Born.Line != 20 {
		t.Errorf("%d leaks, the first born at %s", len(v.Leaks), v.Leaks[0].Born)
	}
}

// An object that a leaked goroutine made on the line where it is blocked belongs to the same leak,
// even if its counts fit another scenario by chance. It does not if the numbers differ.
func TestMadeByGoroutine(t *testing.T) {
	t.Parallel()
	const watch = "example.org/hub.(*Hub).watch"
	r := sample.Clean()
	counts := of(1, "rst")
	g := finding("goroutines", verdict.Goroutine, counts, func(f *verdict.Finding) {
		f.Detail = "/src/pigeonhub/hub/accept.go:64 " + watch
		f.PerScenario = map[string]int64{"stall": f.Count}
		f.Born = verdict.Site{Function: "example.org/hub.(*Hub).ServeHTTP", File: "/src/pigeonhub/hub/accept.go", Line: 46}
	})
	made := finding("sites", verdict.Object, counts, func(f *verdict.Finding) {
		f.Bytes, f.Born = 112*f.Count, verdict.Site{Function: watch, File: "/src/pigeonhub/hub/accept.go", Line: 64}
	})
	r.Findings = []verdict.Finding{g, made}
	v := verdict.Judge(r)
	if len(v.Leaks) != 1 || v.Leaks[0].Source.String() != "scenario stall" || v.Leaks[0].Born.Line != 46 {
		t.Errorf("%d leaks, the first born %s from %s", len(v.Leaks), v.Leaks[0].Born, v.Leaks[0].Source)
	}
	made.PerCycle = slices.Clone(counts)
	made.PerCycle[0]--
	made.PerCycle[1]++
	r.Findings = []verdict.Finding{g, made}
	if v := verdict.Judge(r); len(v.Leaks) != 2 {
		t.Errorf("%d leaks where the counts differ", len(v.Leaks))
	}
}
