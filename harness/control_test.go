package harness_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// says is a detector with constant findings.
type says struct {
	name    string
	reading int
	finds   func(reading int) []verdict.Finding
	fails   func(reading int) error
}

func (s *says) Name() string   { return s.name }
func (s *says) Unit() string   { return "ghost" }
func (s *says) Noise() float64 { return 0 }

func (s *says) Plant(func(context.Context) (func(), error)) detect.Plant {
	return detect.Plant{Is: func(f verdict.Finding) bool { return f.Detail == "a ghost" }}
}

// uncontrolled is a detector without Plant.
type uncontrolled struct{ detect.Detector }

func (s *says) Baseline(context.Context, *detect.Reading) error { return s.look() }

func (s *says) Cycle(context.Context, *detect.Reading) error { return s.look() }

func (s *says) look() error {
	s.reading++
	if s.fails != nil {
		return s.fails(s.reading)
	}
	return nil
}

func (s *says) Findings(context.Context) ([]verdict.Finding, error) {
	if s.finds == nil {
		return nil, nil
	}
	return s.finds(s.reading), nil
}

// The controls are two dry runs: three readings in which nothing happens, and three with planted
// leaks. The baseline of the run follows.
const rehearsal = 3

func always1(int) []verdict.Finding {
	return []verdict.Finding{{Class: verdict.Object, Count: 1, Detail: "a ghost"}}
}

func onlyPlanted(reading int) []verdict.Finding {
	if reading == 2*rehearsal {
		return always1(reading)
	}
	return nil
}

// A detector that misses its planted leak makes the run invalid. So does one with a false finding,
// and one that cannot look. A correct one does not.
func TestControls(t *testing.T) {
	h := startEchoHub(t)
	broken := errors.New("broken")
	v := runCampaign(t, campaignAt(h,
		&says{name: "blind"},
		&says{name: "raving", finds: always1},
		&says{name: "right", finds: onlyPlanted},
		&says{name: "distracted", finds: func(reading int) []verdict.Finding {
			if reading == 2*rehearsal {
				return []verdict.Finding{{Class: verdict.Object, Count: 1, Detail: "of another detector"}}
			}
			return nil
		}},
		uncontrolled{&says{name: "uncontrolled", finds: onlyPlanted}},
		&says{name: "broken", fails: func(reading int) error { return map[bool]error{reading == 2: broken}[true] }},
		&says{name: "breaks later", finds: onlyPlanted, fails: func(reading int) error { return map[bool]error{reading == 2*rehearsal+2: broken}[true] }},
	))
	if v.Outcome != verdict.Invalid {
		t.Fatalf("outcome %s", v.Outcome)
	}
	for _, want := range []string{
		"control planted for blind was planted and not caught", "control planted for distracted was planted and not caught",
		"control planted for uncontrolled was planted and not caught",
		"control nothing happens, raving is benign and was reported as a leak",
		"detector broken is missing: broken", "detector breaks later is missing: broken",
	} {
		if !saysInvalid(v, want) {
			t.Errorf("the reasons lack %q: %+v", want, v.Invalid)
		}
	}
	for _, r := range v.Invalid {
		if r.About == "right" || strings.HasSuffix(r.About, ", right") || strings.HasSuffix(r.About, "for right") {
			t.Errorf("one that is right is blamed: %+v", r)
		}
	}
	var names []string
	for _, c := range v.Controls {
		names = append(names, c.Name)
		if c.Name == "nothing happens, raving" && !strings.Contains(c.Detail, "a ghost") {
			t.Errorf("what was seen is not said: %+v", c)
		}
	}
	if len(names) != 7 { // the broken detector has none
		t.Errorf("controls %q", names)
	}
}

// Without controls a blind detector passes.
func TestUncontrolled(t *testing.T) {
	blind := &says{name: "blind"}
	c := campaignAt(startEchoHub(t), blind)
	c.Uncontrolled = true
	if v := runCampaign(t, c); v.Outcome != verdict.Pass || len(v.Controls) != 0 || blind.reading != 1+3 {
		t.Errorf("outcome %s, controls %+v, %d readings", v.Outcome, v.Controls, blind.reading)
	}
}

// The controls add a map to the roots of each census and remove it, even if the census has no other
// roots.
func TestControlsGiveCensusBack(t *testing.T) {
	h := startEchoHub(t)
	one, other, none := &detect.Census{Roots: h.Roots()}, &detect.Census{Roots: h.Roots()}, &detect.Census{}
	v := runCampaign(t, campaignAt(h, one, other, none))
	for _, c := range []*detect.Census{one, other, none} {
		if _, planted := c.Roots["planted"]; planted {
			t.Errorf("the planted map stays in %v", c.Roots)
		}
	}
	for _, c := range v.Controls {
		if c.Failed() {
			t.Errorf("control %+v", c)
		}
	}
}
