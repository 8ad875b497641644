package verdict_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
)

// The buffers of sessions in a list grow by more bytes than the list by sessions. The list names the
// leak.
func TestListBeforeBuffers(t *testing.T) {
	t.Parallel()
	r := sample.Clean()
	list := finding("census", verdict.Collection, []int64{19, 13, 89}, field("hub.Hub.peers[*].replaced*"))
	buffers := finding("census", verdict.Collection, []int64{128 * 19, 128 * 13, 128 * 89}, field("hub.Hub.peers[*].replaced.ws.br.buf"), stored("conn.go", 381))
	object := finding("sites", verdict.Object, list.PerCycle, born("accept.go", 39), path("hub.Hub", "peers[key]", "*hub.session", "replaced (repeated)"))
	object.Bytes = 1000
	r.Findings = []verdict.Finding{buffers, list, object}
	v := verdict.Judge(r)
	if l := v.Leaks[0]; len(v.Leaks) != 1 || l.Class != verdict.Object || l.Count != 121 || l.Field != list.Field || l.Stored.Line != 0 {
		t.Errorf("%d leaks, the first of class %s, %d things in %s, stored at %s", len(v.Leaks), l.Class, l.Count, l.Field, l.Stored)
	}
}

// Of two detectors that found the same objects the one that labels each object names the scenario.
// Text near an object may be about another peer.
func TestLabelsBeforeText(t *testing.T) {
	t.Parallel()
	r := sample.Clean()
	at := path("hub.Hub", "sessions")
	near := finding("sites", verdict.Object, of(1, "rst"), born("a.go", 3), at, stored("n.go", 61))
	near.PerScenario = map[string]int64{"rst": near.Count - 5, "roam": 5}
	labelled := finding("watch", verdict.Object, of(1, "rst"), typed("*hub.session"), born("a.go", 3), at, stored("n.go", 61))
	labelled.PerScenario = map[string]int64{"rst": labelled.Count}
	r.Findings = []verdict.Finding{near, labelled}
	v := verdict.Judge(r)
	if len(v.Leaks) != 1 || v.Leaks[0].Source.String() != "scenario rst" {
		t.Errorf("%d leaks, the first from %s", len(v.Leaks), v.Leaks[0].Source)
	}
}

// What hangs on a leaked session does not name the leak, although the path to it is shorter if it
// leads through a session at rest.
func TestSessionBeforeWhatItHolds(t *testing.T) {
	t.Parallel()
	made := verdict.Site{Function: "hub.(*Hub).ServeHTTP", File: "accept.go", Line: 39}
	replaced := finding("sites", verdict.Object, of(1, "rst"), path("hub.Hub", "order[1]", "*hub.session", "replaced (repeated)"))
	transport := finding("sites", verdict.Object, of(1, "rst"), born("transport.go", 46), path("hub.Hub", "order[1]", "*hub.session", "conn"))
	replaced.Born, replaced.Path[1].Site, transport.Path[1].Site = made, made, made
	r := sample.Clean()
	r.Findings = []verdict.Finding{transport, replaced}
	if v := verdict.Judge(r); len(v.Leaks) != 1 || v.Leaks[0].Born != made {
		t.Errorf("%d leaks, the first born at %s", len(v.Leaks), v.Leaks[0].Born)
	}
}
