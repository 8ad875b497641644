package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/dial"
)

// Plan is the phases of a run, one after the other. The same plan with the same seed
// gives the same peers, times and choices.
type Plan struct {
	Name   string  `yaml:"name" json:"name"`
	Seed   uint64  `yaml:"seed" json:"seed"` // 0: the run draws one
	Phases []Phase `yaml:"phases" json:"phases"`

	Codec string      `yaml:"codec,omitempty" json:"codec,omitempty"` // its word; "" is text if there are templates, else peerpigeon
	Text  *codec.Text `yaml:"text,omitempty" json:"text,omitempty"`   // templates of the text codec

	Connection dial.Options `yaml:"connection,omitempty" json:"connection,omitzero"` // how each peer connects
	Fail       []Threshold  `yaml:"fail,omitempty" json:"fail,omitempty"`            // the run fails if one of these does not hold
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
		d, err := c(f.Profile)
		if err == nil {
			p.Phases[i], err = f.complete(d)
		}
		if err != nil {
			return Plan{}, fmt.Errorf("plan: phase %d: %w", i+1, err)
		}
	}
	if err := p.Connection.Check(); err != nil {
		return Plan{}, fmt.Errorf("plan: connection: %w", err)
	}
	spoken, err := p.NewCodec()
	if err == nil {
		err = errors.Join(p.Supported(spoken, c), p.measured(c))
	}
	if err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	return p, nil
}

// NewCodec returns the codec of the plan. The peers of a text codec are in as many networks
// as the first phase has.
func (p Plan) NewCodec() (codec.Codec, error) {
	return codec.New(p.Codec, codec.Options{Networks: p.Phases[0].Networks, Text: p.Text})
}

// Hidden returns the plan as it may be printed: without secrets of the connection and of the URL
// template.
func (p Plan) Hidden() Plan {
	p.Connection = p.Connection.Hidden()
	if p.Text != nil {
		text := *p.Text
		text.URL, p.Text = dial.HideURL(text.URL), &text
	}
	return p
}

// Supported returns an error if a codec lacks what a phase of the plan needs.
func (p Plan) Supported(spoken codec.Codec, c Catalogue) error {
	for i := range p.Phases {
		f := &p.Phases[i]
		d, err := c(f.Profile)
		if err != nil || d.Needs == nil {
			continue
		}
		if missing := d.Needs(f).MissingIn(spoken); len(missing) > 0 {
			return fmt.Errorf("phase %d: %s needs %s, which the codec does not have", i+1, f.Profile, missing)
		}
	}
	return nil
}

// measured returns an error if a threshold is about leaks and no phase tests for them.
func (p Plan) measured(c Catalogue) error {
	for _, f := range p.Phases {
		if d, err := c(f.Profile); err == nil && d.Experiment {
			return nil
		}
	}
	for _, t := range p.Fail {
		if t.What.leaks {
			return fmt.Errorf("threshold %s: no phase tests for leaks; the profiles check and soak do", t)
		}
	}
	return nil
}

// SameCodec reports whether two plans have the same codec.
func (p Plan) SameCodec(o Plan) bool {
	a, err := p.NewCodec()
	b, other := o.NewCodec()
	return err == nil && other == nil && reflect.DeepEqual(a, b)
}
