package admin

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigeonhub/pigeonhub/hub"
)

// The state page reports a hub whose invariants do not hold. No request can cause that, so the
// test is internal.
func TestStateSaysWhatDoesNotAgree(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		err    error
		status int
		want   any
	}{
		{"sound", nil, 200, "ok"},
		{"one", errors.New("a"), 500, []any{"a"}},
		{"joined", errors.Join(errors.New("a"), errors.New("b")), 500, []any{"a", "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stats := func() hub.Stats { return hub.Stats{Sessions: 5, Peers: 4, MaxConnections: 9} }
			rec := httptest.NewRecorder()
			state{stats, func() error { return tt.err }}.ServeHTTP(rec, nil)
			var got struct {
				Invariants  any
				Collections map[string]map[string]int64
				Stats       struct{ Sessions int }
			}
			if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if rec.Code != tt.status || !equal(got.Invariants, tt.want) {
				t.Errorf("got %d %v, want %d %v", rec.Code, got.Invariants, tt.status, tt.want)
			}
			if s := got.Collections["peers"]; s["length"] != 4 || s["bound"] != 9 || got.Stats.Sessions != 5 {
				t.Errorf("got %s, want 4 of 9 peers, 5 sessions", rec.Body)
			}
			if s, ok := got.Collections["sessions"]["bound"]; ok {
				t.Errorf("sessions are bounded by %d, want no bound given", s)
			}
		})
	}
}

func equal(got, want any) bool {
	g, ok := got.([]any)
	if !ok {
		return got == want
	}
	w, ok := want.([]any)
	return ok && slices.Equal(g, w)
}

// All metrics of a scrape are of one moment.
func TestScrapeReadsStatsOnce(t *testing.T) {
	t.Parallel()
	calls := 0
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(newCollector(func() hub.Stats { calls++; return hub.Stats{} }, func() error { return nil }))
	if _, err := reg.Gather(); err != nil {
		t.Fatal(err)
	}
	if calls != 1 {
		t.Errorf("one scrape called Stats %d times, want once", calls)
	}
}
