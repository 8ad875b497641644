// Package mutate makes leaks: from the syntax trees of packages it generates mutants, each
// the program with one leak in it, to measure what a leak test catches. Nobody chooses them,
// so a test cannot be tuned to them.
//
//	p, err := mutate.Load(".", "./hub/...")
//	...
//	mutants, overlay := p.Mutants()
//	file, err := overlay.Write(dir)
//	// go test -c -overlay=<file> -o leak.test ./leaktest
//	for _, m := range mutants {
//		cmd := exec.Command("./leak.test")
//		cmd.Env = append(os.Environ(), overlay.Env(m))
//		out, err := cmd.CombinedOutput() // a test that catches the leak fails
//	}
//
// One build has all mutants in it. A variable of the environment switches one on when the
// program starts; without it the program is the original. The sources stay as they are: the
// mutated ones take their place in the build by -overlay. Lines keep their numbers, so that
// a line that a test names can be compared with the mutant's.
//
// # Keep
//
// A keep mutant stands at the start of the body of a function, a branch or a loop, and
// retains something each time that the code runs. What it retains changes from one to the
// next (see Kind), and so does the condition: every time, one time in 50, or only for the
// first key or address that it has seen (see Mode).
//
// # Drop
//
// A drop mutant leaves out one release: a delete, an assignment of nil or zero, a call whose
// name says that it releases, a call of a cancel function, a count given back, an element
// cut out of a list, a deferred release, a return to a pool, a branch of a function that
// releases. Unlocks stay: without one a program stops.
//
// # Which of them leak
//
// Not all do: code may never run, a field that is not set to nil may be garbage a moment
// later. A check of its own must say which, by plain counting: run the program with
// site.EnvCounts set, and site.Read returns how often each mutant's code ran and how much
// it would have retained. Whether a drop leaks shows when the program runs with it.
//
// # Files
//
//	load.go, generate.go              the packages, the walk
//	mutant.go                         Mutant, kinds, modes
//	keep.go, key.go                   what retains
//	drop.go, release.go, field.go     what is left out, and of which field
//	edit.go, overlay.go               the mutated sources
//	judge.go, table.go                what a verdict says about a mutant, all of them as a table
//	site/                             what mutated code links in
package mutate
