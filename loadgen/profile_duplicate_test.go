package loadgen

import (
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// The second session comes when the target has read all that the first one sent: what it
// reads later is, to it, an answer of the old session.
var someDuplicates = plan.Phase{Peers: 30, Rate: 30, Networks: 2, Params: map[string]string{"stay": "100ms"}}

// The hub of this repository keeps an old session that answers, and replaces one that does
// not.
func TestDuplicate(t *testing.T) {
	t.Parallel()
	r := runProfile(t, ourHub(t, hub.Config{ProbeTimeout: 5 * time.Second}), "duplicate", someDuplicates)
	wantWell(t, &r, 30)
	if figureOf(&r, "alive: "+wasRefused) != 10 || figureOf(&r, "vanished: "+tookOver) != 10 || figureOf(&r, "reset: "+tookOver) != 10 {
		t.Errorf("figures %+v", r.Figures)
	}
}

// A hub that keeps two sessions of one peer is doubted.
func TestDuplicateTaken(t *testing.T) {
	t.Parallel()
	r := runProfile(t, (&toyHub{takesTwo: true}).start(t), "duplicate", someDuplicates)
	if figureOf(&r, "alive: "+bothLive) != 10 || r.Verdict.Outcome != verdict.Inconclusive {
		t.Errorf("outcome %s, figures %+v", r.Verdict.Outcome, r.Figures)
	}
}
