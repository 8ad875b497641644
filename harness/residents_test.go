package harness_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// campaignWithResidents returns campaignAt with residents that announce and ping.
func campaignWithResidents(h *echoHub) *harness.Campaign {
	c := campaignAt(h, &detect.Goroutines{}, &detect.Gauges{Target: h}, &detect.Census{Roots: h.Roots()})
	c.Crowd.Scenarios = append(c.Crowd.Scenarios, slices.DeleteFunc(harness.Residents(), func(s harness.Scenario) bool {
		return s.Name != "resident-announce" && s.Name != "resident-ping"
	})...)
	c.Peers = func(scenario string) int {
		if strings.HasPrefix(scenario, "resident-") {
			return 40
		}
		return 7
	}
	return c
}

// textOf returns the report of a verdict on one line.
func textOf(t *testing.T, v verdict.Verdict) string {
	t.Helper()
	var b strings.Builder
	if err := report.Text(&b, v); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// What a session collects until it ends is found while residents stay, and per event. The same hub
// passes without residents.
func TestResidentsCollect(t *testing.T) {
	h := startEchoHub(t)
	h.hear = func(s *echoSession, kind string) bool {
		if kind == "announce" {
			h.state.heard[s] = append(h.state.heard[s], kind)
		}
		return false
	}
	v := runCampaign(t, campaignWithResidents(h))
	if v.Outcome != verdict.Leaking || len(v.Leaks) != 1 {
		t.Fatalf("outcome %s, %d leaks", v.Outcome, len(v.Leaks))
	}
	l := v.Leaks[0]
	if !strings.HasSuffix(l.Field, "echoState.heard[*]") || l.Source.String() != "scenario resident-announce" || l.Count != l.Peers {
		t.Errorf("%s %s: %d of %d", l.Field, l.Source, l.Count, l.Peers)
	}
	if text := textOf(t, v); !strings.Contains(text, "1.00 per event that a resident saw, scenario resident-announce") {
		t.Error(text)
	}
	visitors := campaignWithResidents(h)
	visitors.Crowd.Scenarios = visitors.Crowd.Scenarios[:3]
	if v := runCampaign(t, visitors); v.Outcome != verdict.Pass {
		t.Errorf("outcome %s without residents", v.Outcome)
	}
}

// What residents rightly hold is not reported: a session, and a bounded number of things, which
// the list of a quiet hub may hold or not.
func TestResidentsHold(t *testing.T) {
	h := startEchoHub(t)
	h.hear = func(s *echoSession, kind string) bool {
		if h.state.heard[s] = append(h.state.heard[s], kind); len(h.state.heard[s]) > 7 {
			h.state.heard[s] = h.state.heard[s][5:]
		}
		return false
	}
	v := runCampaign(t, campaignWithResidents(h))
	want := []string{"clean", "goodbye", "drop", "resident-announce", "resident-ping", "resident-leave"}
	if v.Outcome != verdict.Pass || !slices.Equal(v.NotLeaking, want) {
		t.Errorf("outcome %s, not leaking %q, want %q", v.Outcome, v.NotLeaking, want)
	}
	var visitors int64
	for _, s := range v.Scenarios {
		if s.Unit == "" {
			visitors += s.Planned
		}
	}
	if v.Run.Lives != visitors {
		t.Errorf("%d lives of %d visitors", v.Run.Lives, visitors)
	}
}

// What residents leave when they go is found, per resident.
func TestResidentsLeave(t *testing.T) {
	h := startEchoHub(t)
	h.stays = func(s *echoSession) bool { return s.pings > 20 } // visitors ping once
	v := runCampaign(t, campaignWithResidents(h))
	if v.Outcome != verdict.Leaking || len(v.Leaks) != 1 {
		t.Fatalf("outcome %s, %d leaks", v.Outcome, len(v.Leaks))
	}
	if text := textOf(t, v); !strings.Contains(text, "per resident, scenario resident-leave") {
		t.Error(text)
	}
}

// What a session takes over from the one before is found if residents come back while the hub still
// has that one. It is free when the peer has left.
func TestResidentsReturn(t *testing.T) {
	h := startEchoHub(t)
	h.hear = func(s *echoSession, kind string) bool {
		for before := range h.state.sessions {
			// The hub may not have read yet that the one before that one is closed.
			if heard := h.state.heard[before]; kind == "announce" && before.id == s.id && before != s && len(heard) >= len(h.state.heard[s]) {
				h.state.heard[s] = append(slices.Clip(heard), before.id)
			}
		}
		return false
	}
	c := campaignWithResidents(h)
	c.Crowd.Scenarios = append(c.Crowd.Scenarios[:1], harness.Returning()...)
	v := runCampaign(t, c)
	if v.Outcome != verdict.Leaking || len(v.Leaks) != 1 {
		t.Fatalf("outcome %s, %d leaks", v.Outcome, len(v.Leaks))
	}
	l := v.Leaks[0]
	if !strings.HasSuffix(l.Field, "echoState.heard[*]") || l.Source.String() != "scenario resident-return" || l.Count != l.Peers {
		t.Errorf("%s %s: %d of %d", l.Field, l.Source, l.Count, l.Peers)
	}
}

// A resident that the hub ends joins again. If it cannot stay, the run is invalid.
func TestResidentsLost(t *testing.T) {
	for _, tt := range []struct {
		most int // pings in a session
		want verdict.Outcome
	}{{60, verdict.Pass}, {2, verdict.Invalid}} {
		h := startEchoHub(t)
		h.hear = func(s *echoSession, _ string) bool { return s.pings > tt.most }
		c := campaignWithResidents(h)
		c.Uncontrolled, c.Trials = true, -1
		if v := runCampaign(t, c); v.Outcome != tt.want || len(v.Leaks) > 0 {
			t.Errorf("after %d pings: %s: %+v, %d leaks", tt.most, v.Outcome, v.Invalid, len(v.Leaks))
		}
	}
}

// Events fail before the residents have joined.
func TestResidentsNotJoined(t *testing.T) {
	crowd := &campaignWithResidents(startEchoHub(t)).Crowd
	a := crowd.Send(t.Context(), 1, map[string]int64{"resident-ping": 3})
	if err := a.Err(); err == nil || !strings.Contains(err.Error(), "have not joined") {
		t.Errorf("got %v", err)
	}
}

// Of the two residents of a network that roam, one is always there: a network that empties is
// deleted, with all that it has collected.
func TestRoamingResidentsTakeTurns(t *testing.T) {
	h := startEchoHub(t)
	announces, both := map[*echoSession]int{}, 0
	h.hear = func(s *echoSession, kind string) bool {
		if kind != "announce" {
			return false
		}
		announces[s]++ // into its network, away, into its network, ...
		away := 0
		for _, n := range announces {
			away += 1 - n%2
		}
		both += away / 2
		return false
	}
	c := campaignWithResidents(h)
	for _, s := range harness.Residents() {
		if s.Name == "resident-roam" {
			s.Residents = 2
			c.Crowd.Scenarios = append(c.Crowd.Scenarios[:1], s)
		}
	}
	c.Peers = func(string) int { return 300 }
	if v := runCampaign(t, c); v.Outcome != verdict.Pass || both > 0 {
		t.Errorf("outcome %s; %d times both were away", v.Outcome, both)
	}
}
