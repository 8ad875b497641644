package loadgen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// scenario is a sequence of steps that a peer takes after it has connected.
type scenario struct {
	name  string
	needs codec.Capabilities
	steps []step
}

// slower returns the scenario with more time between its steps.
func (s scenario) slower(times int) scenario {
	s.steps = slices.Clone(s.steps)
	for i := range s.steps {
		s.steps[i].after *= time.Duration(times)
	}
	return s
}

// step is an action of a peer, due a time after its intended arrival. If it returns
// errLater, it is tried again.
type step struct {
	after time.Duration
	do    func(context.Context, *life, schedule.Tick) error
}

var errLater = errors.New("not possible yet")

// possible returns the scenarios whose needs the codec meets, and notes the others as not
// tested.
func (s *phaseRun) possible(list []scenario) []scenario {
	return slices.DeleteFunc(list, func(sc scenario) bool { return s.leftOut(sc.name, sc.needs) })
}

// leftOut reports whether the codec lacks what something needs, and if so notes that it was
// not tested.
func (s *phaseRun) leftOut(what string, needs codec.Capabilities) bool {
	missing := needs.MissingIn(s.fleet.codec)
	if len(missing) > 0 {
		s.say(notTested+what, fmt.Sprintf("the codec does not have %s", missing))
	}
	return len(missing) > 0
}

// notTested begins the names of figures that say what a run left out.
const notTested = "not tested: "
