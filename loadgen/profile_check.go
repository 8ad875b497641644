package loadgen

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

func checkProfile() profile {
	return profile{
		word:  "check",
		about: "the leak verdict: peers of all scenarios come and go in blocks until every series is decided; then residents; then fanout, spike and hostile for seconds each (rough: yes, no, or here for a target on this machine)",
		phase: plan.Phase{Peers: 5000, Rate: 400, Duration: 5 * time.Minute, Networks: 20, Params: map[string]string{
			"stay": "300ms", "vanish": "2s", "pairs": "10", "off": "500ms", "confirm": "20s", residentsParam: "8", roughParam: string(RoughHere),
		}},
		check: func(f *plan.Phase) error {
			n, err := strconv.Atoi(f.Params["pairs"])
			if err != nil || n < minPairs || n > maxPairs {
				return fmt.Errorf("check: pairs is %q, must be %d to %d", f.Params["pairs"], minPairs, maxPairs)
			}
			if least := n * len(checkScenarios(f)) * minDose; f.Peers < least {
				return fmt.Errorf("check: peers is %d, must be at least %d for %d pairs", f.Peers, least, n)
			}
			if f.Duration == 0 {
				return errors.New("check: duration, which bounds the experiment, is 0")
			}
			if err := checkRough(f); err != nil {
				return err
			}
			if _, err := f.IntOf(residentsParam, 0, maxResidents); err != nil {
				return err
			}
			return plan.Durations("stay", "vanish", "off", "confirm")(f)
		},
		stay:       stays("stay", "vanish"),
		experiment: true,
		run: func(ctx context.Context, s *phaseRun) error {
			return newExperiment(s, checkScenarios(&s.Phase)).run(ctx)
		},
	}
}

// Limits of the experiment. Fewer than four pairs of blocks decide nothing, and the growth of fewer
// peers cannot be attributed to their scenario.
const (
	minPairs = 4
	maxPairs = 1000
	minDose  = 5
)

// What scenarios need of the codec.
var (
	needsGoodbye  = codec.Capabilities{codec.SaysGoodbye}
	needsNetworks = codec.Capabilities{codec.NamesNetworks}
	needsMessages = codec.Capabilities{codec.Sends}
	needsIDs      = codec.Capabilities{codec.Relays}
	needsHubs     = codec.Capabilities{codec.AnnouncesHubs}
)

// checkScenarios returns the ways to come and go in which a hub must not leak.
func checkScenarios(f *plan.Phase) []scenario {
	stay, _ := f.DurationOf("stay") // checked with the plan
	vanish, _ := f.DurationOf("vanish")
	return []scenario{
		{"clean", nil, []step{{0, announce}, {stay, leaving(LeavePolite)}}},
		{"goodbye", needsGoodbye, []step{{0, announce}, {stay, leaving(LeaveGoodbye)}, {stay + vanish, end}}},
		{"rst", nil, []step{{0, announce}, {stay, leaving(LeaveReset)}}},
		{"vanish", nil, []step{{0, announce}, {stay, leaving(LeaveVanish)}, {stay + vanish, end}}},
		{"early-close", nil, []step{{0, early}}},
		{"roam", needsNetworks, []step{{0, announce}, {stay / 3, roam}, {2 * stay / 3, announce}, {stay, leaving(LeavePolite)}}},
		{"signal", needsMessages, []step{{0, announce}, {stay / 2, offer}, {stay, leaving(LeavePolite)}}},
		{"networks", needsNetworks, []step{{0, enterOwn("")}, {stay, leaving(LeavePolite)}}},
		{"large-name", needsNetworks, []step{{0, enterOwn(largeName)}, {stay / 2, moveOn}, {stay, leavingIfThere}}},
		{"duplicate", needsIDs, []step{{0, announce}, {stay / 2, second}, {stay, leavingBoth}}},
		{"hubs", needsHubs, []step{{0, claim(true)}, {stay / 2, claim(false)}, {stay, leaving(LeavePolite)}}},
		{"hub-leaves", needsHubs, []step{{0, claim(true)}, {stay, leaving(LeavePolite)}}},
		{"ghost", needsGoodbye, []step{{0, announce}, {stay / 2, leaving(LeaveGoodbye)}, {stay, announceAfterGoodbye}, {stay + vanish, end}}},
	}
}
