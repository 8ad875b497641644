package regress_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/mutate"
	"github.com/pigeonhub/pigeonhub/harness/mutate/site"
)

// A figure leaks if it grows with the dose. One that fluctuates, grows once, or grows without
// regard to the dose does not.
func TestLeaksBy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		figure string
		read   [4]float64
		leaks  bool
	}{
		{"objects", [4]float64{1000, 1100, 1200, 1400}, true},
		{"objects", [4]float64{1000, 1100, 1200, 1300}, false}, // with time, not with the dose
		{"objects", [4]float64{1000, 1020, 1040, 1080}, false}, // within the noise
		{"objects", [4]float64{1000, 1111, 1020, 1200}, false},
		{"objects", [4]float64{1000, 1000, 1000, 1400}, false},
		{"bytes", [4]float64{0, 100e3, 200e3, 400e3}, true},
		{"bytes", [4]float64{0, 10e3, 20e3, 40e3}, false},
		{"goroutines", [4]float64{5, 9, 13, 21}, true},
		{"goroutines", [4]float64{5, 6, 5, 7}, false},
		{"hub hub.Hub.admitted", [4]float64{0, 48, 96, 192}, true},
	} {
		var read []figures
		for _, v := range c.read {
			read = append(read, figures{c.figure: v, "descriptors": 9})
		}
		if got := leaksBy(read); (got != "") != c.leaks {
			t.Errorf("%s %v: %q", c.figure, c.read, got)
		}
	}
}

// A keep mutant leaks if it grows in every round.
func TestKeeps(t *testing.T) {
	t.Parallel()
	rounds := func(counts ...site.Count) *reach {
		r := &reach{}
		for i, c := range counts {
			r.rounds[i] = []site.Count{{}, c}
		}
		return r
	}
	every := mutate.Mutant{Number: 1, Operator: mutate.Keep, Kind: mutate.Object, Mode: mutate.Every}
	rare, entry := every, every
	rare.Mode, entry.Kind = mutate.Rare, mutate.Entry
	for _, c := range []struct {
		what  string
		m     mutate.Mutant
		r     *reach
		aside string
	}{
		{"each life", every, rounds(site.Count{Reached: 5, Kept: 5}, site.Count{Reached: 9, Kept: 9}, site.Count{Reached: 13, Kept: 13}, site.Count{Reached: 21, Kept: 21}), ""},
		{"rare", rare, rounds(site.Count{Reached: 5, Kept: 1}, site.Count{Reached: 9, Kept: 1}, site.Count{Reached: 13, Kept: 1}, site.Count{Reached: 21, Kept: 1}), ""},
		{"the same keys", entry, rounds(site.Count{Reached: 5, Kept: 2}, site.Count{Reached: 9, Kept: 2}, site.Count{Reached: 13, Kept: 2}, site.Count{Reached: 21, Kept: 2}), "it does not grow in every round"},
		{"never", every, rounds(site.Count{}, site.Count{}, site.Count{}, site.Count{}), "its code did not run"},
		{"once", every, rounds(site.Count{Reached: 1, Kept: 1}, site.Count{Reached: 1, Kept: 1}, site.Count{Reached: 1, Kept: 1}, site.Count{Reached: 1, Kept: 1}), "its code ran at the start only"},
	} {
		if witness, aside := c.r.keeps(c.m); aside != c.aside || (witness == "") != (aside != "") {
			t.Errorf("%s: %q, set aside: %q, want %q", c.what, witness, aside, c.aside)
		}
	}
}
