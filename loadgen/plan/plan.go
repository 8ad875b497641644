package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
)

// Plan is the phases of a run, one after the other. The same plan with the same seed
// gives the same peers, times and choices.
type Plan struct {
	Name   string  `yaml:"name" json:"name"`
	Seed   uint64  `yaml:"seed" json:"seed"` // 0: the run draws one
	Phases []Phase `yaml:"phases" json:"phases"`

	Text *codec.Text `yaml:"text,omitempty" json:"text,omitempty"` // the text codec; nil selects PeerPigeon's
	Fail []Threshold `yaml:"fail,omitempty" json:"fail,omitempty"` // the run fails if one of these does not hold
}

// maxPhases catches typing errors.
const maxPhases = 1000

// Load reads a plan from a YAML or JSON file. The error names an unknown field, profile or
// parameter.
func Load(file string, c Catalogue) (Plan, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	p, err := Parse(b, c)
	if err != nil {
		return Plan{}, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

// Parse reads a plan from YAML, which includes JSON.
func Parse(b []byte, c Catalogue) (Plan, error) {
	var p Plan
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return Plan{}, errors.New("plan: a second document follows the plan")
	}
	return p.Complete(c)
}

// With returns the plan in which the fields of f that are not zero replace those of every
// phase. A parameter replaces that of the phases that have it.
func (p Plan) With(f Phase, c Catalogue) (Plan, error) {
	p.Phases = slices.Clone(p.Phases)
	used := map[string]bool{}
	for i := range p.Phases {
		phase := &p.Phases[i]
		phase.replace(f)
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
	return p.Complete(c)
}

// Complete replaces the zero fields of the phases by the defaults of their profiles, and
// checks the plan.
func (p Plan) Complete(c Catalogue) (Plan, error) {
	if len(p.Phases) == 0 || len(p.Phases) > maxPhases {
		return Plan{}, fmt.Errorf("plan: it has %d phases, must have 1 to %d", len(p.Phases), maxPhases)
	}
	p.Phases = slices.Clone(p.Phases)
	for i, f := range p.Phases {
		done, err := p.completePhase(f, c)
		if err != nil {
			return Plan{}, fmt.Errorf("plan: phase %d: %w", i+1, err)
		}
		p.Phases[i] = done
	}
	if _, err := p.Codec(); err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	return p, nil
}

func (p *Plan) completePhase(f Phase, c Catalogue) (Phase, error) {
	d, err := c(f.Profile)
	if err != nil {
		return Phase{}, err
	}
	if d.Relayed && p.Text != nil {
		return Phase{}, fmt.Errorf("%s: it cannot be run with a text codec", f.Profile)
	}
	return f.complete(d)
}

// Codec returns the codec of the plan. The peers of a text codec are in as many networks
// as the first phase has.
func (p Plan) Codec() (codec.Codec, error) {
	if p.Text == nil {
		return codec.PeerPigeon{}, nil
	}
	return p.Text.Complete(p.Phases[0].Networks)
}
