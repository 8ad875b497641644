package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// applyRules moves the leaks that a rule allows to Known, and returns the rules that are
// stale.
func (v *Verdict) applyRules(r *Run) []Reason {
	today := r.Today
	if today.IsZero() {
		today = r.Start
	}
	used := make([]bool, len(r.Known))
	sort := func(leaks []Leak) []Leak {
		return slices.DeleteFunc(leaks, func(l Leak) bool { return v.known(&l, r.Known, used, today) })
	}
	v.Leaks = v.noteExpired(sort(v.Leaks), r.Known, used, today)
	v.Doubtful = sort(v.Doubtful)
	if len(v.Invalid) > 0 || r.Suite {
		return nil // a rule may match nothing because the run saw too little
	}
	var stale []Reason
	for i, rule := range r.Known {
		if !used[i] {
			stale = append(stale, rule.stale())
		}
	}
	return stale
}

// Stale returns a Reason for each rule that matches nothing in any run of a suite. It
// returns none if one of the runs is invalid: that one may have missed the leak.
func Stale(rules []Rule, suite []Verdict) []Reason {
	var stale []Reason
	for _, rule := range rules {
		matches := func(l Leak) bool { return rule.matches(&l) }
		if !slices.ContainsFunc(suite, func(v Verdict) bool {
			return len(v.Invalid) > 0 || slices.ContainsFunc(v.Leaks, matches) ||
				slices.ContainsFunc(v.Known, func(k Known) bool { return matches(k.Leak) })
		}) {
			stale = append(stale, rule.stale())
		}
	}
	return stale
}

func (r Rule) stale() Reason {
	return Reason{About: "known leaks", What: "the rule for " + r.String() + " matches nothing", Do: "remove it: it would hide the next leak of its kind"}
}

// known adds the leak to Known if a rule allows it, and reports whether it did.
func (v *Verdict) known(l *Leak, rules []Rule, used []bool, today time.Time) bool {
	for i, rule := range rules {
		if rule.matches(l) && !rule.expired(today) {
			used[i] = true
			v.Known = append(v.Known, Known{*l, rule})
			return true
		}
	}
	return false
}

// noteExpired notes on each leak that matches an expired rule that it was known.
func (v *Verdict) noteExpired(leaks []Leak, rules []Rule, used []bool, today time.Time) []Leak {
	for i := range leaks {
		for k, rule := range rules {
			if rule.matches(&leaks[i]) && rule.expired(today) {
				used[k] = true
				leaks[i].Why = rule.lapsed()
				leaks[i].Do = units.Aside("repair it", rule.Issue) + ", or give the rule another date"
			}
		}
	}
	return leaks
}

func (r Rule) lapsed() string {
	if r.Expires.IsZero() {
		return "a rule allows it, but has no date (" + cmp.Or(r.Reason, "no reason given") + ")"
	}
	return fmt.Sprintf("known until %s (%s)", r.Expires.Format(time.DateOnly), cmp.Or(r.Reason, "no reason given"))
}

// expired reports whether the last day of the rule is over, or missing.
func (r Rule) expired(today time.Time) bool {
	return r.Expires.IsZero() || today.Format(time.DateOnly) > r.Expires.Format(time.DateOnly)
}

// matches reports whether the leak meets all criteria. A rule without any matches nothing.
func (r Rule) matches(l *Leak) bool {
	if r.Fingerprint == "" && r.Class == "" && r.Type == "" && r.Field == "" {
		return false
	}
	if r.Fingerprint != "" && (len(r.Fingerprint) < fingerprintDigits || !strings.HasPrefix(l.Fingerprint, r.Fingerprint)) {
		return false
	}
	return (r.Class == "" || r.Class == l.Class) &&
		(r.Type == "" || glob(r.Type, l.Type)) &&
		(r.Field == "" || glob(r.Field, l.Field) || len(l.Path) > 0 && glob(r.Field, starredPath(l.Path)))
}

// String names the rule by its criteria.
func (r Rule) String() string {
	var words []string
	for _, c := range []string{r.Fingerprint, string(r.Class), r.Type, r.Field} {
		if c != "" {
			words = append(words, c)
		}
	}
	return cmp.Or(strings.Join(words, " "), "nothing")
}

// glob matches a pattern in which a star stands for any text. path.Match gives brackets and
// slashes a meaning, and fields and types are full of them.
func glob(pattern, s string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	s, ok := strings.CutPrefix(s, head)
	if !ok || !star {
		return ok && s == ""
	}
	for i := 0; i <= len(s); i++ {
		if glob(rest, s[i:]) {
			return true
		}
	}
	return false
}
