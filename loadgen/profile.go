package loadgen

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// profile is one kind of load, named by a word. To add one: a file
// profile_<word>.go with the value, and its name in the list below.
type profile struct {
	word  string
	about string
	phase plan.Phase // its own figures; the parameters in it are all there are
	check func(*plan.Phase) error
	run   func(context.Context, *phaseRun) error

	// whole profiles are not shared: of several workers one does all.
	whole bool

	// stay is how long a peer is connected, if it is known: with the rate it makes how
	// many are at once. Nil: all of them are.
	stay func(*plan.Phase) time.Duration

	// experiment profiles make the leak verdict themselves; the others are bracketed
	// by a reading before and one after.
	experiment bool

	// unpaced profiles do much of what they do at once or as fast as the target takes it,
	// whatever the rate, or say nothing at a low one.
	unpaced bool

	// needs returns what the codec must have, nil if nothing.
	needs func(*plan.Phase) codec.Capabilities
}

// always needs the same whatever the figures of the phase are.
func always(needs ...codec.Capability) func(*plan.Phase) codec.Capabilities {
	return func(*plan.Phase) codec.Capabilities { return needs }
}

// profiles are all profiles, in the order in which people are shown them.
func profiles() []profile {
	return []profile{checkProfile(), rampProfile(), steadyProfile(), churnProfile(), signalProfile(),
		networksProfile(), roamProfile(), duplicateProfile(), hubsProfile(),
		spikeProfile(), fanoutProfile(), halfopenProfile(), hostileProfile(), stallProfile(), soakProfile(), drainProfile()}
}

func profileOf(word string) (profile, error) {
	var words []string
	for _, p := range profiles() {
		if p.word == word {
			return p, nil
		}
		words = append(words, p.word)
	}
	return profile{}, fmt.Errorf("no profile %q; there are %s", word, strings.Join(words, ", "))
}

// Word is a profile as people are told of it.
type Word struct {
	Word  string
	About string
	Phase plan.Phase // its own figures

	// Unpaced profiles put more on the target than their rate says.
	Unpaced bool
}

// Words returns the profiles there are.
func Words() []Word {
	var list []Word
	for _, p := range profiles() {
		list = append(list, Word{p.word, p.about, p.phase, p.unpaced})
	}
	return list
}

// IsWord reports whether there is a profile of that word.
func IsWord(word string) bool {
	return slices.ContainsFunc(profiles(), func(p profile) bool { return p.word == word })
}
