package loadgen

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
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
	if e.seen != crowdSize || !slices.Contains(e.sighted, "health.connections") || slices.Contains(e.sighted, "health.networks") {
		t.Errorf("%d of a crowd of %d stayed, and %q saw it", e.seen, crowdSize, e.sighted)
	}
	e.clear() // joins the readers
	if n := r.fleet.lives(); n != int64(len(visits)+crowdSize) || r.fleet.size() != 0 {
		t.Errorf("%d lives, of which %d are connected still", n, r.fleet.size())
	}
}

// A page may show what was a while ago. The crowd stays until it is seen.
func TestCrowdIsSeenOnALatePage(t *testing.T) {
	t.Parallel()
	const late = 4 // readings
	server := &counting{}
	shown := make(chan int64, late+1)
	for range late {
		shown <- 0
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			server.ServeHTTP(w, r)
			return
		}
		shown <- server.connections.Load()
		fmt.Fprintf(w, `{"connections":%d}`, <-shown)
	}))
	t.Cleanup(s.Close)
	p := quickCheck(t, 52)
	p.Text = &codec.Text{}
	r := run(t, Config{URL: strings.Replace(s.URL, "http", "ws", 1), Plan: p})
	if c := r.Verdict.Controls; len(c) != 1 || !c[0].Caught {
		t.Errorf("controls %+v", c)
	}
}
