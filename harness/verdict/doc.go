// Package verdict makes one verdict of what the detectors of a leak test found,
// and writes it for people and programs. It is pure: a Run in, a Verdict out; no
// clock, no file, no network.
//
//	v := verdict.Judge(run)
//	verdict.Text(os.Stdout, v)
//	os.Exit(v.Outcome.ExitCode())
//
// # The outcome
//
// A target that failed otherwise than by leaking, by dying for instance, has
// failed: that explains whatever the run then lacks.
//
// A run is invalid if it cannot tell: a detector was missing, more than a percent
// of the planned peers of a scenario (and more than one of them) did not do what it
// says, or a control was judged wrongly. It says which, and what to do. Only then
// come leaks, then known-leak rules that are stale (invalid too: each would hide the
// next leak of its kind), then doubts (inconclusive). What is left passes.
//
// # One leak, once
//
// Findings are joined if they name the same retaining path, collection, line or
// type, or grow in the same way: from the same scenarios, by a whole multiple of
// each other in each cycle. The class that says most about the cause gives the
// leak its name: a goroutine before the objects it holds. A strict finding
// (goroutine, descriptor, timer, subscription, never closed, a watched object) is
// a leak from the first on. Other growth is one if it follows the doses or goes on
// in every cycle, and doubtful if it ebbs, skips cycles or ignores the doses.
//
// # Thresholds
//
// The caller may set conditions of its own, such as a bound on a latency, and judge
// them; they are told beside the leaks. A failed one makes a run fail that would
// pass, one that cannot be told makes it inconclusive. What a run cannot tell of
// leaks comes before them.
//
// # The scenario
//
// A finding that brings PerScenario is believed. For others the scenario is solved
// for from the growth per cycle and the doses; Doses plans doses that make this
// work. Where the counts fit several scenarios alike, all of them are named or
// none is. Of leaks that are rare, or not the same for each peer, the doses often do not
// tell: then Trials plans cycles that have some of the scenarios and not others. They
// are asked only where there is a leak, and do not decide whether there is one.
//
// # The fingerprint
//
// It is a hash of the class and of the retaining path with its keys starred, or
// else of the collection, or else of type and function of birth. Lines, counts,
// seeds and addresses are not in it, so it stays the same until the leak is
// repaired or the code around it is renamed.
//
// # Sensitivity
//
// A verdict says what it would have seen: the n for which one leaked thing in n
// peers of any scenario, at random, is seen with 99 %. It follows from the doses
// and the noise that the detectors declare.
//
// # Targets that cannot be seen into
//
// Of those there are series of readings at rest, after blocks of peers (on) and
// blocks without (off), best in random order within each pair. Test regresses what
// the peers changed on their number, against the off blocks, and gives an interval
// that holds however often one has looked, so that a load test can stop as soon as
// it is sure; sequential.go has the method and its sources. TestTogether does it for
// several scenarios in the same blocks, of which one, two, three or all may leak. What
// grew at first and then no more, as a cache does that has filled, is none. Floors and
// AtRest make readings at rest of a sawtooth.
package verdict
