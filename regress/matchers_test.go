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

// LeakNothing succeeds if the verdict is a pass.
func LeakNothing() types.GomegaMatcher { return leakNothing{} }

type leakNothing struct{}

func (leakNothing) Match(actual any) (bool, error) {
	v, ok := actual.(verdict.Verdict)
	if !ok {
		return false, fmt.Errorf("LeakNothing is for a verdict.Verdict, not for %T", actual)
	}
	return v.Outcome == verdict.Pass, nil
}

// FailureMessage returns the text of the report.
func (leakNothing) FailureMessage(actual any) string {
	var b strings.Builder
	_ = report.Text(&b, actual.(verdict.Verdict)) // a strings.Builder returns no error
	return b.String()
}

func (leakNothing) NegatedFailureMessage(any) string { return "the verdict is a pass" }

// HoldNothing succeeds if the hub's invariants hold and all its gauges are 0.
func HoldNothing() types.GomegaMatcher {
	return gcustom.MakeMatcher(func(target harness.Inspector) (bool, error) {
		if err := target.Check(); err != nil {
			return false, err
		}
		gauges, err := target.Gauges()
		for name, v := range gauges {
			if v != 0 {
				return false, fmt.Errorf("%s is %g", name, v)
			}
		}
		return true, err
	}).WithMessage("hold nothing")
}

// BeClean succeeds if there are no findings.
func BeClean() types.GomegaMatcher {
	return WithTransform(func(found []verdict.Finding) string {
		var b strings.Builder
		for _, f := range found {
			fmt.Fprintf(&b, "%s: %s %s %s %s +%d %v\n%.2000s\n", f.Detector, f.Class, f.Type, f.Born, f.Field, f.Count, f.PerCycle, f.Detail)
		}
		return b.String()
	}, BeEmpty())
}
