package loadgen

import "github.com/pigeonhub/pigeonhub/loadgen/plan"

// LoadPlan reads a plan from a YAML or JSON file, and completes it by the defaults of the
// profiles.
func LoadPlan(file string) (plan.Plan, error) { return plan.Load(file, defaultsOf) }

// ParsePlan reads a plan from YAML or JSON, and completes it by the defaults of the
// profiles.
func ParsePlan(b []byte) (plan.Plan, error) { return plan.Parse(b, defaultsOf) }

// PlanOf returns the plan of a single profile with its defaults.
func PlanOf(profile string) (plan.Plan, error) {
	return plan.Plan{Name: profile, Phases: []plan.Phase{{Profile: profile}}}.Complete(defaultsOf)
}

// With returns the plan in which the fields of f that are not zero replace those of every
// phase. A parameter replaces that of the phases that have it.
func With(p plan.Plan, f plan.Phase) (plan.Plan, error) { return p.With(f, defaultsOf) }

// defaultsOf is the catalogue of the profiles.
func defaultsOf(word string) (plan.Defaults, error) {
	p, err := profileOf(word)
	return plan.Defaults{Phase: p.phase, Check: p.check, Needs: p.needs, Experiment: p.experiment}, err
}
