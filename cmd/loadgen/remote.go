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

// remoteRate is the default of --max-rate for a target on another machine: a load that does
// no harm if it was started by mistake.
const remoteRate = 100

// otherMachine returns the host of the target if it is another machine, and "" otherwise.
// For agents on other machines each address is another machine.
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

// allowed returns an error if the load was not confirmed: on another machine without
// --i-own-this, or above its bound.
func (o *options) allowed() error {
	host, err := o.otherMachine()
	switch {
	case err != nil:
		return err
	case o.maxRate < 0:
		return fmt.Errorf("--max-rate is %v, must be 0 or more", o.maxRate)
	case host != "" && !o.iOwnThis && o.agents > 0 && preflight.IsHere(o.url):
		return fmt.Errorf("%s is this machine, and for each agent its own one: give the address at which agents reach the target, or, if they run on this machine, add --i-own-this", host)
	case host != "" && !o.iOwnThis:
		return fmt.Errorf("%s is not this machine: add --i-own-this if you may put load on it", host)
	case host == "" && !o.flags.Changed("max-rate"):
		return nil
	case o.maxRate > 0:
		return o.capRates()
	}
	return nil
}

// capRates lowers the rates of the phases to the bound. A rate from a flag is an error
// instead.
func (o *options) capRates() error {
	if o.figures.Rate > o.maxRate {
		return fmt.Errorf("--rate %v is above the bound of %v a second: raise --max-rate, too", o.figures.Rate, o.maxRate)
	}
	for i := range o.plan.Phases {
		if word := o.plan.Phases[i].Profile; isUnpaced(&o.plan.Phases[i]) && !o.flags.Changed("max-rate") {
			return fmt.Errorf("%s puts more load on its target than its rate says: add --max-rate to allow it, 0 for no bound of the other phases", word)
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

// isUnpaced reports whether a phase, or a rough phase after it, puts more load on the
// target than its rate says.
func isUnpaced(f *plan.Phase) bool {
	word := f.Profile
	return loadgen.RoughnessOf(f) == loadgen.RoughYes || slices.ContainsFunc(loadgen.Words(), func(w loadgen.Word) bool { return w.Word == word && w.Unpaced })
}

// loweredRate describes a phase that runs at a lower rate than its profile asks for.
type loweredRate struct {
	profile string
	rate    float64
}

func (o *options) logLowered(log *slog.Logger) {
	for _, l := range o.lowered {
		log.Warn("rate lowered to the bound", "profile", l.profile, "rate", l.rate, "bound", o.maxRate, "raise_with", "--max-rate")
	}
}
