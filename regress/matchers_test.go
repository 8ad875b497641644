package regress_test

import (
	"fmt"
	"strings"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gcustom"
	"github.com/onsi/gomega/types"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// LeakNothing succeeds for a verdict that passes. Its failure is the verdict as a
// person reads it.
func LeakNothing() types.GomegaMatcher {
	return WithTransform(func(v verdict.Verdict) string {
		if v.Outcome == verdict.Pass {
			return ""
		}
		return text(v)
	}, BeEmpty())
}

func text(v verdict.Verdict) string {
	var b strings.Builder
	_ = report.Text(&b, v) // a strings.Builder takes everything
	return b.String()
}

// NameLeak succeeds for a verdict of which one leak is of the class, and was born
// in the function or is kept by the field that contains where.
func NameLeak(class verdict.Class, where string) types.GomegaMatcher {
	return gcustom.MakeMatcher(func(v verdict.Verdict) (bool, error) {
		for _, l := range v.Leaks {
			if l.Class == class && strings.Contains(l.Born.Function+" "+l.Field+" "+fmt.Sprint(l.Path), where) {
				return true, nil
			}
		}
		return false, nil
	}).WithMessage(fmt.Sprintf("name a leak of class %s at %s", class, where))
}

// HoldNothing succeeds for a hub all of whose gauges are 0, but those of the names
// given, and that agrees with itself.
func HoldNothing(but ...string) types.GomegaMatcher {
	return gcustom.MakeMatcher(func(target harness.Inspector) (bool, error) {
		if err := target.Check(); err != nil {
			return false, err
		}
		gauges, err := target.Gauges()
		for _, name := range but {
			delete(gauges, name)
		}
		for name, v := range gauges {
			if v != 0 {
				return false, fmt.Errorf("%s is %g", name, v)
			}
		}
		return true, err
	}).WithMessage("hold nothing")
}

// BeClean succeeds for findings of which there are none.
func BeClean() types.GomegaMatcher {
	return WithTransform(func(found []verdict.Finding) string {
		var b strings.Builder
		for _, f := range found {
			fmt.Fprintf(&b, "%s: %s %s %s %s +%d %v\n%.2000s\n", f.Detector, f.Class, f.Type, f.Born, f.Field, f.Count, f.PerCycle, f.Detail)
		}
		return b.String()
	}, BeEmpty())
}
