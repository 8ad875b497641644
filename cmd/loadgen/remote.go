package main

import (
	"fmt"
	"log/slog"
	"net/url"
	"slices"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/preflight"
)

// remoteRate is how many actions a second a target on another machine gets at most,
// unless --max-rate says otherwise: what a slip can put on a hub that people use.
const remoteRate = 100

// otherMachine returns the host of the target if it is not this machine, and "" if it is.
// To agents on other machines every address is of another.
func (o *options) otherMachine() (string, error) {
	if o.url == "" {
		return "", nil
	}
	if o.agents == 0 && preflight.IsHere(o.url) {
		return "", nil
	}
	u, err := url.Parse(o.url)
	if err != nil {
		return "", fmt.Errorf("target: %w", err)
	}
	return u.Host, nil
}

// allowed refuses to put load on somebody else's machine by a slip, and more than the
// cap by the figures of a profile or a plan, or by a profile that has no rate.
func (o *options) allowed() error {
	host, err := o.otherMachine()
	switch {
	case err != nil:
		return err
	case o.maxRate < 0:
		return fmt.Errorf("--max-rate is %v, must be 0 or more", o.maxRate)
	case host != "" && !o.iOwnThis:
		return fmt.Errorf("%s is not this machine: add --i-own-this if you may put load on it", host)
	case host == "" && !o.flags.Changed("max-rate"):
		return nil
	case o.maxRate > 0:
		return o.capRates()
	}
	return nil
}

// capRates lowers the rates of the phases to the cap. One that was asked for by a flag
// is not lowered in silence.
func (o *options) capRates() error {
	if o.figures.Rate > o.maxRate {
		return fmt.Errorf("--rate %v is above the cap of %v a second for a target on another machine: raise --max-rate, too", o.figures.Rate, o.maxRate)
	}
	for i := range o.plan.Phases {
		if word := o.plan.Phases[i].Profile; isUnpaced(&o.plan.Phases[i]) && !o.flags.Changed("max-rate") {
			return fmt.Errorf("%s puts more on its target than any rate says: add --max-rate, 0 for no cap on the rest, if this one may have that", word)
		}
		f := &o.plan.Phases[i]
		if loadgen.RoughnessOf(f) == loadgen.RoughHere {
			loadgen.RoughNo.Set(f) // rough phases have no rate that could be capped
		}
		if f.Rate > o.maxRate {
			o.lowered = append(o.lowered, loweredRate{f.Profile, f.Rate})
			f.Rate = o.maxRate
		}
	}
	return nil
}

// isUnpaced reports whether a phase is of an unpaced profile, or has some at its end.
func isUnpaced(f *plan.Phase) bool {
	word := f.Profile
	return loadgen.RoughnessOf(f) == loadgen.RoughYes || slices.ContainsFunc(loadgen.Words(), func(w loadgen.Word) bool { return w.Word == word && w.Unpaced })
}

// loweredRate is a phase that the cap changed.
type loweredRate struct {
	profile string
	rate    float64
}

func (o *options) logLowered(log *slog.Logger) {
	for _, l := range o.lowered {
		log.Warn("rate lowered to the cap", "profile", l.profile, "rate", l.rate, "cap", o.maxRate, "raise_with", "--max-rate")
	}
}
