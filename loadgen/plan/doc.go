// Package plan holds what a run does, as data: phases with their figures, and the
// thresholds that the result must meet.
//
//	p, err := plan.Load("evening.yaml", catalogue)
//	p, err = p.With(plan.Phase{Peers: 500}, catalogue)
//	t, err := plan.ParseThreshold("p99(offer)<50ms")
//
// The profiles are not part of it: a Catalogue returns the defaults and the conditions
// of a profile.
//
//	plan.go        Plan, read, changed and completed
//	phase.go       Phase, one profile with its figures
//	threshold.go   Threshold, a condition such as lost==0
//	measure.go     Measure, what a threshold may compare
package plan
