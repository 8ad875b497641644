package main

import (
	"errors"
	"maps"
	"strconv"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// makePlan makes the plan of the file or the profile, changed by the flags.
func (o *options) makePlan(word string) (err error) {
	switch {
	case o.planFile != "":
		o.plan, err = loadgen.LoadPlan(o.planFile)
	case word == "":
		o.plan, err = loadgen.PlanOf("check")
	default:
		o.plan, err = loadgen.PlanOf(word)
	}
	if err != nil {
		return err
	}
	if o.seed != 0 {
		o.plan.Seed = o.seed
	}
	if err := o.chooseCodec(); err != nil {
		return err
	}
	o.plan.Connection = o.plan.Connection.With(o.peers)
	o.figures.Params = o.allParams()
	limits, err := o.addThresholds()
	if err == nil {
		o.plan, err = loadgen.With(o.plan, o.figures)
	}
	for _, t := range limits {
		loadgen.Limit(&o.plan.Phases[0], t)
	}
	if err == nil && len(limits) > 0 {
		o.plan, err = loadgen.With(o.plan, plan.Phase{})
	}
	return err
}

// allParams returns the parameters of the command line, with those that have a flag of their own.
func (o *options) allParams() map[string]string {
	if !o.flags.Changed("residents") {
		return o.params
	}
	params := map[string]string{"residents": strconv.Itoa(o.residents)}
	maps.Copy(params, o.params)
	return params
}

// addThresholds adds the thresholds of the command line to the plan. It returns those that are
// limits of its only phase: what a search for the capacity of a target breaks is no failure.
func (o *options) addThresholds() (limits []plan.Threshold, err error) {
	for _, text := range o.fail {
		t, err := plan.ParseThreshold(text)
		if err != nil {
			return nil, err
		}
		if len(o.plan.Phases) == 1 && loadgen.IsLimit(&o.plan.Phases[0], t) {
			limits = append(limits, t)
		} else {
			o.plan.Fail = append(o.plan.Fail, t)
		}
	}
	return limits, nil
}

// chooseCodec puts the codec into the plan, if the command line names one.
func (o *options) chooseCodec() error {
	templates := !o.text.IsZero()
	switch {
	case o.flags.Changed("codec"):
		o.plan.Codec, o.plan.Text = o.codec, nil
		if templates {
			o.plan.Text = &o.text
		}
	case templates:
		return errors.New("--url-template, --first, --message, --reply, --answer, --turns and --binary are for --codec text")
	}
	return nil
}
