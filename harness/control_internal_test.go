package harness

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Of what a detector finds while leaks are planted only its own proves it: another
// thing that grew then does not.
func TestControlTakesOnlyItsOwn(t *testing.T) {
	t.Parallel()
	in := func(function string) verdict.Finding {
		return verdict.Finding{Born: verdict.Site{Function: ownPath + "." + function}, PerCycle: []int64{1, 1}}
	}
	counted := verdict.Finding{Field: "map[int64]int64", PerCycle: controlDoses}
	for _, c := range []struct {
		d          Detector
		own, other verdict.Finding
	}{
		{&Census{}, counted, verdict.Finding{Field: "hub.Hub.peers", PerCycle: []int64{0, 1}}},
		{&Sites{}, in("plantObject"), in("(*Peer).Join")},
		{&Timers{}, in("plantTimer"), in("(*Peer).Join")},
		{&Goroutines{}, in("(*plant).grow"), in("(*Peer).Join")},
		{&Watch{}, in("(*plant).grow"), in("(*Peer).Join")},
	} {
		if !isOfPlant(c.d, c.own) || isOfPlant(c.d, c.other) {
			t.Errorf("%s: its own %v, another %v", c.d.Name(), isOfPlant(c.d, c.own), isOfPlant(c.d, c.other))
		}
	}
}
