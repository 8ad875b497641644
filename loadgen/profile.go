package loadgen

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// profile is one kind of load. A further profile is a file profile_<word>.go that returns
// the value, and its name in the list below.
type profile struct {
	word  string
	about string
	phase plan.Phase // default figures; its parameters are all that exist
	check func(*plan.Phase) error
	run   func(context.Context, *phaseRun) error

	// whole says that one of several workers runs the profile alone.
	whole bool

	// stay returns how long a peer is connected. With the rate that gives how many are
	// connected at once. If it is nil, all of them are.
	stay func(*plan.Phase) time.Duration

	// experiment says that the profile makes the leak verdict itself. Any other profile is
	// bracketed by a reading before and one after it.
	experiment bool

	// unpaced says that the profile puts more load on the target than its rate says, or
	// shows nothing at a low rate.
	unpaced bool

	// paced says that each peer connects once, and that the rate and the duration bound its
	// messages.
	paced bool

	// elastic says that the profile takes as many peers as this machine allows, at most those of
	// the phase.
	elastic bool

	// overloads says that the profile looks for what the target does not hold: what is lost, cut
	// or late then is its result, and no doubt about the run.
	overloads bool

	// needs returns what the codec must have, nil if nothing.
	needs func(*plan.Phase) codec.Capabilities
}

// always returns the same needs for any phase.
func always(needs ...codec.Capability) func(*plan.Phase) codec.Capabilities {
	return func(*plan.Phase) codec.Capabilities { return needs }
}

// profiles returns all profiles, in the order in which they are listed.
func profiles() []profile {
	return []profile{checkProfile(), rampProfile(), steadyProfile(), churnProfile(), signalProfile(),
		networksProfile(), roamProfile(), duplicateProfile(), hubsProfile(),
		spikeProfile(), fanoutProfile(), halfopenProfile(), hostileProfile(), stallProfile(), soakProfile(), residentsProfile(), drainProfile(), capacityProfile()}
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

// Word describes a profile.
type Word struct {
	Word  string
	About string
	Phase plan.Phase // default figures

	Params []Param // by name

	// Unpaced says that the profile puts more load on the target than its rate says.
	Unpaced bool
}

// Param describes a parameter of a profile.
type Param struct{ Name, Default, About string }

// Words returns the profiles.
func Words() []Word {
	var list []Word
	for _, p := range profiles() {
		w := Word{Word: p.word, About: p.about, Phase: p.phase, Unpaced: p.unpaced}
		for _, name := range slices.Sorted(maps.Keys(p.phase.Params)) {
			w.Params = append(w.Params, Param{name, p.phase.Params[name], meaning(p.word, name)})
		}
		list = append(list, w)
	}
	return list
}

// IsWord reports whether a profile has that word.
func IsWord(word string) bool {
	return slices.ContainsFunc(profiles(), func(p profile) bool { return p.word == word })
}
