package regress_test

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// chooseMutants returns the mutants and controls of a selection.
func chooseMutants(which string) ([]*mutant, error) {
	leaks, err := loadMutants(mutantsDir)
	if err != nil {
		return nil, err
	}
	benign, err := loadMutants(benignDir)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(leaks, benign)
	switch which {
	case "all":
		return all, nil
	case "sample":
		return thirdOf(sampleOf(all), time.Now().UTC()), nil
	case "samples":
		return sampleOf(all), nil
	}
	var chosen []*mutant
	for name := range strings.SplitSeq(which, ",") {
		m, err := findMutant(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, m)
	}
	return chosen, nil
}

// sampleOf returns the middle mutant of each chapter: a letter of the catalogue, the rare leaks,
// or the leaks of Shutdown. It adds all benign controls, combined.
func sampleOf(all []*mutant) []*mutant {
	chapters := map[string][]*mutant{}
	var benign []*mutant
	for _, m := range all {
		if m.benign {
			benign = append(benign, m)
			continue
		}
		chapter := strings.TrimRight(strings.SplitN(m.name, "-", 2)[0], "0123456789")
		chapters[chapter] = append(chapters[chapter], m)
	}
	var sample []*mutant
	for _, name := range slices.Sorted(maps.Keys(chapters)) {
		list := chapters[name]
		sample = append(sample, list[len(list)/2])
	}
	return append(sample, combine(benign)...)
}

// thirdOf returns every third one of a sample: three days in turn measure all.
func thirdOf(sample []*mutant, day time.Time) []*mutant {
	var third []*mutant
	for i := int(day.Unix()/(24*3600)) % 3; i < len(sample); i += 3 {
		third = append(third, sample[i])
	}
	return third
}

// combine joins the controls into as few mutants as possible. Two that edit the same lines stay
// apart. No control may be reported, so neither may a combination.
func combine(benign []*mutant) []*mutant {
	var groups []*mutant
	for _, m := range benign {
		placed := slices.ContainsFunc(groups, func(g *mutant) bool { return g.join(m) })
		if !placed {
			g := *m
			groups = append(groups, &g)
		}
	}
	return groups
}

// join adds the edits of other to m and reports true if both are benign and the edits apply
// together.
func (m *mutant) join(other *mutant) bool {
	if !m.benign || !other.benign {
		return false
	}
	both := mutant{name: m.name + "+" + other.name, benign: true, edits: slices.Concat(m.edits, other.edits)}
	if _, err := both.apply(); err != nil {
		return false
	}
	*m = both
	return true
}
