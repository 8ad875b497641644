package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
)

// Phase is a profile with its figures. A zero selects the default of the profile.
type Phase struct {
	Profile  string            `yaml:"profile" json:"profile"`
	Peers    int               `yaml:"peers" json:"peers"`                       // in all, or at the same time if the profile holds them
	Rate     float64           `yaml:"rate" json:"rate"`                         // actions a second; the profile says which
	Duration time.Duration     `yaml:"duration" json:"duration"`                 // of the part that the profile holds
	Networks int               `yaml:"networks" json:"networks"`                 // over which the peers are spread
	Params   map[string]string `yaml:"params,omitempty" json:"params,omitempty"` // further figures of the profile
}

// Defaults describes a profile to a plan.
type Defaults struct {
	Phase      Phase                           // its default figures; its parameters are all that exist
	Check      func(*Phase) error              // further conditions, nil for none
	Needs      func(*Phase) codec.Capabilities // what the codec must have, nil for nothing
	Experiment bool                            // it tests for leaks
}

// Catalogue returns the defaults of a profile, or an error that lists the profiles.
type Catalogue func(profile string) (Defaults, error)

// The limits of a phase catch typing errors.
const (
	MaxPeers    = 100_000_000
	MaxRate     = 1_000_000
	MaxDuration = 31 * 24 * time.Hour
	maxParam    = time.Hour // of a parameter that is a duration
)

// replace replaces the fields for which f has a value, except the parameters.
func (p *Phase) replace(f Phase) {
	set(&p.Peers, f.Peers)
	set(&p.Rate, f.Rate)
	set(&p.Duration, f.Duration)
	set(&p.Networks, f.Networks)
}

func set[T comparable](dst *T, v T) {
	var zero T
	if v != zero {
		*dst = v
	}
}

func (p Phase) complete(d Defaults) (Phase, error) {
	whole := d.Phase
	whole.Profile, whole.Params = p.Profile, maps.Clone(d.Phase.Params)
	whole.replace(p)
	for _, name := range slices.Sorted(maps.Keys(p.Params)) {
		if _, ok := whole.Params[name]; !ok {
			return Phase{}, fmt.Errorf("%s: no parameter %q; it has %q", p.Profile, name, slices.Sorted(maps.Keys(whole.Params)))
		}
		whole.Params[name] = p.Params[name]
	}
	return whole, whole.check(d)
}

func (p *Phase) check(d Defaults) error {
	switch {
	case p.Peers < 1 || p.Peers > MaxPeers:
		return fmt.Errorf("%s: peers is %d, must be 1 to %d", p.Profile, p.Peers, MaxPeers)
	case !(p.Rate > 0) || p.Rate > MaxRate:
		return fmt.Errorf("%s: rate is %v, must be above 0 and at most %d a second", p.Profile, p.Rate, MaxRate)
	case p.Duration < 0 || p.Duration > MaxDuration:
		return fmt.Errorf("%s: duration is %s, must be 0 to %s", p.Profile, p.Duration, MaxDuration)
	case p.Networks < 1 || p.Networks > MaxPeers:
		return fmt.Errorf("%s: networks is %d, must be 1 to %d", p.Profile, p.Networks, MaxPeers)
	case d.Check != nil:
		return d.Check(p)
	}
	return nil
}

// DurationOf returns a parameter that is a duration of at most an hour.
func (p *Phase) DurationOf(name string) (time.Duration, error) {
	d, err := time.ParseDuration(p.Params[name])
	if err != nil || d < 0 || d > maxParam {
		return 0, fmt.Errorf("%s: %s is %q, must be a duration from 0s to 1h", p.Profile, name, p.Params[name])
	}
	return d, nil
}

// IntOf returns a parameter that is an integer from low to high.
func (p *Phase) IntOf(name string, low, high int) (int, error) {
	n, err := strconv.Atoi(p.Params[name])
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%s: %s is %q, must be a whole number from %d to %d", p.Profile, name, p.Params[name], low, high)
	}
	return n, nil
}

// Durations returns a check that parameters are durations.
func Durations(names ...string) func(*Phase) error {
	return func(p *Phase) error {
		for _, name := range names {
			if _, err := p.DurationOf(name); err != nil {
				return err
			}
		}
		return nil
	}
}
