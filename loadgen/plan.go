package loadgen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
)

// Plan is what a run does: its phases, one after the other. The same plan with the
// same seed does the same.
type Plan struct {
	Name   string  `yaml:"name" json:"name"`
	Seed   uint64  `yaml:"seed" json:"seed"` // 0: drawn when the run begins
	Phases []Phase `yaml:"phases" json:"phases"`

	Text *codec.Text `yaml:"text,omitempty" json:"text,omitempty"` // the codec, if it is not PeerPigeon's
	Fail []Threshold `yaml:"fail,omitempty" json:"fail,omitempty"` // the run fails where these do not hold
}

// Phase is one profile with its figures. A figure that is zero is the profile's own.
type Phase struct {
	Profile  string            `yaml:"profile" json:"profile"`
	Peers    int               `yaml:"peers" json:"peers"`                       // in all, or at once where the profile holds them
	Rate     float64           `yaml:"rate" json:"rate"`                         // actions a second; the profile says of what
	Duration time.Duration     `yaml:"duration" json:"duration"`                 // of the part that the profile holds
	Networks int               `yaml:"networks" json:"networks"`                 // over which the peers are spread
	Params   map[string]string `yaml:"params,omitempty" json:"params,omitempty"` // further figures of the profile
}

// Limits of a plan: beyond them is a slip of the pen.
const (
	maxPeers    = 100_000_000
	maxRate     = 1_000_000
	maxDuration = 31 * 24 * time.Hour
	maxPhases   = 1000
)

// LoadPlan reads a plan from a YAML or JSON file. An unknown field, profile or
// parameter is an error that names it.
func LoadPlan(file string) (Plan, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	p, err := ParsePlan(b)
	if err != nil {
		return Plan{}, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

// ParsePlan reads a plan from YAML, of which JSON is a part.
func ParsePlan(b []byte) (Plan, error) {
	var p Plan
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return Plan{}, errors.New("plan: something follows the plan")
	}
	return p.complete()
}

// PlanOf returns the plan that is built in for a profile's word.
func PlanOf(word string) (Plan, error) {
	return Plan{Name: word, Phases: []Phase{{Profile: word}}}.complete()
}

// With returns the plan with the figures of f, where they are not zero, in place of
// every phase's own. Parameters go to the phases whose profiles know them.
func (p Plan) With(f Phase) (Plan, error) {
	p.Phases = slices.Clone(p.Phases)
	used := map[string]bool{}
	for i := range p.Phases {
		phase := &p.Phases[i]
		set(&phase.Peers, f.Peers)
		set(&phase.Rate, f.Rate)
		set(&phase.Duration, f.Duration)
		set(&phase.Networks, f.Networks)
		phase.Params = maps.Clone(phase.Params)
		for name, text := range f.Params {
			if _, ok := phase.Params[name]; ok {
				phase.Params[name], used[name] = text, true
			}
		}
	}
	for name := range f.Params {
		if !used[name] {
			return Plan{}, fmt.Errorf("plan: no phase has a parameter %q", name)
		}
	}
	return p.complete()
}

func set[T comparable](dst *T, v T) {
	var zero T
	if v != zero {
		*dst = v
	}
}

// complete fills in what the profiles have for figures that are missing, and checks
// the whole.
func (p Plan) complete() (Plan, error) {
	if len(p.Phases) == 0 || len(p.Phases) > maxPhases {
		return Plan{}, fmt.Errorf("plan: it has %d phases, must have 1 to %d", len(p.Phases), maxPhases)
	}
	p.Phases = slices.Clone(p.Phases)
	for i, f := range p.Phases {
		done, err := f.complete()
		if prof, _ := profileOf(f.Profile); err == nil && prof.inside && p.Text != nil {
			err = fmt.Errorf("%s: it cannot be run with a text codec", f.Profile)
		}
		if err != nil {
			return Plan{}, fmt.Errorf("plan: phase %d: %w", i+1, err)
		}
		p.Phases[i] = done
	}
	if _, err := p.codec(); err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	return p, nil
}

// codec returns that of the plan. A text codec has the networks of the first phase.
func (p Plan) codec() (codec.Codec, error) {
	if p.Text == nil {
		return codec.PeerPigeon{}, nil
	}
	return p.Text.Complete(p.Phases[0].Networks)
}

func (f Phase) complete() (Phase, error) {
	prof, err := profileOf(f.Profile)
	if err != nil {
		return Phase{}, err
	}
	own := prof.phase
	whole := Phase{f.Profile, own.Peers, own.Rate, own.Duration, own.Networks, maps.Clone(own.Params)}
	set(&whole.Peers, f.Peers)
	set(&whole.Rate, f.Rate)
	set(&whole.Duration, f.Duration)
	set(&whole.Networks, f.Networks)
	for _, name := range slices.Sorted(maps.Keys(f.Params)) {
		if _, ok := own.Params[name]; !ok {
			return Phase{}, fmt.Errorf("%s: no parameter %q; it has %q", f.Profile, name, slices.Sorted(maps.Keys(own.Params)))
		}
		whole.Params[name] = f.Params[name]
	}
	return whole, whole.check(prof)
}

func (f *Phase) check(prof profile) error {
	switch {
	case f.Peers < 1 || f.Peers > maxPeers:
		return fmt.Errorf("%s: peers is %d, must be 1 to %d", f.Profile, f.Peers, maxPeers)
	case !(f.Rate > 0) || f.Rate > maxRate:
		return fmt.Errorf("%s: rate is %v, must be above 0 and at most %d a second", f.Profile, f.Rate, maxRate)
	case f.Duration < 0 || f.Duration > maxDuration:
		return fmt.Errorf("%s: duration is %s, must be 0 to %s", f.Profile, f.Duration, maxDuration)
	case f.Networks < 1 || f.Networks > maxPeers:
		return fmt.Errorf("%s: networks is %d, must be 1 to %d", f.Profile, f.Networks, maxPeers)
	}
	if prof.check != nil {
		return prof.check(f)
	}
	return nil
}

// duration returns a parameter that is a time of at most an hour.
func (f *Phase) duration(name string) (time.Duration, error) {
	d, err := time.ParseDuration(f.Params[name])
	if err != nil || d < 0 || d > time.Hour {
		return 0, fmt.Errorf("%s: %s is %q, must be a duration from 0s to 1h", f.Profile, name, f.Params[name])
	}
	return d, nil
}

// durations checks parameters that are durations.
func durations(names ...string) func(*Phase) error {
	return func(f *Phase) error {
		for _, name := range names {
			if _, err := f.duration(name); err != nil {
				return err
			}
		}
		return nil
	}
}
