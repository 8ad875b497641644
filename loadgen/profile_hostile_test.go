package loadgen

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// The hub of this repository survives every input, and its other peers do not suffer.
func TestHostile(t *testing.T) {
	t.Parallel()
	n := len(inputs())
	r := runProfile(t, ourHub(t, hub.Config{}), "hostile", plan.Phase{Peers: 4, Params: map[string]string{"react": "300ms", "hold": "200ms", "slow": "10s", "patience": "20s"}})
	wantWell(t, &r, int64(n))
	if len(r.Figures) != n+2 || saidOf(&r, inputsSurvived) != fmt.Sprintf("%d of %d", n, n) {
		t.Errorf("%d figures, want one of each of %d inputs, how many it survived, and the longest wait", len(r.Figures), n)
	}
	for name, want := range map[string]string{
		"message: no JSON": "still connected", "message: 16 MiB": "1009", "frame: reserved bit": "1002", "message: invalid UTF-8": "1007",
		"id: short": "1008", "handshake: no key": "HTTP status 400", "handshake: half of it": "no answer",
	} {
		if got := saidOf(&r, name); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func saidOf(r *report.Result, name string) string {
	for _, f := range r.Figures {
		if f.Name == name {
			return f.Text
		}
	}
	return ""
}

// A hub that dies of an input fails, and the input is named, whatever came before.
func TestHostileKills(t *testing.T) {
	t.Parallel()
	p := planWith(t, "hostile", plan.Phase{Peers: 3, Params: map[string]string{"react": "200ms", "patience": "5s", "only": "message: "}})
	r := run(t, Config{URL: (&toyHub{diesOn: "hello"}).start(t), Plan: p, waits: impatient})
	if len(r.Verdict.Failures) == 0 || r.Verdict.Outcome != verdict.Failed {
		t.Fatalf("outcome %s", r.Verdict.Outcome)
	}
	if f := r.Verdict.Failures[0]; !strings.Contains(f.What, `"message: no JSON" left the target without an answer`) {
		t.Errorf("failures %v", r.Verdict.Failures)
	}
	if saidOf(&r, "message: empty") != "still connected" || saidOf(&r, "message: a NUL") != "" {
		t.Errorf("figures %v", r.Figures)
	}
}

// A hub that relays whatever is sent invents nothing: signals of an attack to a bystander
// are not in the ledger.
func TestHostileSignals(t *testing.T) {
	t.Parallel()
	r := runProfile(t, (&toyHub{}).start(t), "hostile", plan.Phase{Peers: 3, Params: map[string]string{"patience": "20s", "slow": "20s", "only": "signals to a bystander"}})
	if r.Received < 100 { // an attack ends when all is sent, whatever has come by then
		t.Errorf("%d messages received, of 5,000 that are sent to a bystander", r.Received)
	}
	if r.Deliveries.Unexpected != 0 || r.Verdict.Outcome != verdict.Untested {
		t.Errorf("outcome %s, deliveries %+v, doubts %v", r.Verdict.Outcome, r.Deliveries, r.Verdict.Doubts)
	}
}

// A hub that does not answer for a while fails, and the other inputs still have their
// turn.
func TestHostileHangs(t *testing.T) {
	t.Parallel()
	r := runProfile(t, (&toyHub{hangsOn: "hello"}).start(t), "hostile", plan.Phase{Peers: 3, Params: map[string]string{"react": "1s", "patience": "2s", "only": "message: n"}})
	if len(r.Verdict.Failures) != 1 || !strings.Contains(r.Verdict.Failures[0].What, "message: no JSON") {
		t.Errorf("failures %v", r.Verdict.Failures)
	}
	if saidOf(&r, "message: null") != "still connected" {
		t.Errorf("figures %v", r.Figures)
	}
}

// The names of inputs are what the report and --param only go by.
func TestInputNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, in := range inputs() {
		if seen[in.name] {
			t.Errorf("%q is there twice", in.name)
		}
		seen[in.name] = true
	}
	if len(inputsNamed("frame: reserved bit")) != 1 || len(inputsNamed("no such input")) != 0 {
		t.Error("inputs are not found by their names")
	}
}
