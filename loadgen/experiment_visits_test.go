package loadgen

import (
	"testing"
)

// A count that falls when a peer leaves is seen to fall before the blocks, where what a leak
// adds would hide that. One that keeps every peer is not.
func TestVisitsSeeWhatFalls(t *testing.T) {
	t.Parallel()
	h := &toyHub{}
	r, err := newRunner(Config{URL: h.start(t), Plan: quickCheck(t, 51)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.fleet.closeAll(0)
	r.target = discover(t.Context(), r.cfg)
	s := newPhaseRun(r, 0)
	e := newExperiment(s, checkScenarios(&s.Phase))
	if e.first, err = r.target.read(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	e.visit(t.Context())
	for _, name := range []string{"health.connections", "health.peers"} {
		if !r.target.movesOf(name).fell {
			t.Errorf("%s was not seen to fall", name)
		}
	}
	if n := r.fleet.lives(); n != int64(len(visits)) || r.fleet.size() != 0 {
		t.Errorf("%d lives, of which %d are connected still", n, r.fleet.size())
	}
}
