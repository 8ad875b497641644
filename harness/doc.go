// Package harness puts a signaling hub, ours or anybody's, through what peers do
// to it and finds what it leaks. Targets, named peers and scenarios make the
// traffic; detectors look at the process before it and after each cycle of it;
// package verdict makes one verdict of what they find. The detectors know nothing
// of hubs: each works alone, in the tests of any Go program.
//
// A Campaign does all of it for a hub: it warms up, proves its detectors on planted
// leaks, sends crowds through the scenarios in cycles of other doses, reads after
// each, tries some scenarios without others if it is not clear which of them leak, and
// returns the run that verdict.Judge judges. A Guard does a little of it
// for any test. By hand it is
//
//	func init() { heap.RecordAll() }
//
//	detectors := harness.Detectors{
//		&harness.Descriptors{}, &harness.Goroutines{}, // before the collection
//		&harness.Unclosed{}, &harness.Sites{}, &harness.Timers{},
//		&harness.Census{Roots: map[string]any{"hub": h}},
//	}
//	warmUp()
//	err := detectors.Baseline(ctx, harness.NewReading(0))
//	for _, dose := range []int64{1009, 1013, 1019} {
//		churn(dose)
//		err = settle.Until(ctx, everybodyIsGone)
//		err = detectors.Cycle(ctx, harness.NewReading(dose))
//	}
//	findings, err := detectors.Findings(ctx)
//
// # What sees what
//
//	Descriptors  sockets, files, pipes left open; in this process or by pid
//	Unclosed     connections and files that were collected but never closed
//	Goroutines   goroutines that do not end, by go statement
//	Sites        objects that stay, by the line that allocates them
//	Timers       timers never stopped, contexts never cancelled
//	Census       maps, slices, channels, lists that grow, by field
//	Watch        given objects that are still there, and by which path
//	Gauges       what the hub says of itself: counts that drift, checks that fail
//	Quiet        work that goes on with nobody connected
//	Footprint    what a connected peer costs, and what a crowd leaves
//
// Each says in its documentation what it misses. Together they miss what a hub
// keeps outside its process, memory of C, a counter of which there is no gauge,
// numbers that pile up in a collection that no root
// leads to, and whatever the scenarios do not make happen.
//
// # Whose it was, and where
//
// A scenario is told where something says whose a thing was: the label given to Watch,
// the keys of a map (Census.Label), the address that a connection came from (Accepted),
// the names and ids that stand near an object or in a goroutine's frames (Origins). A
// Campaign gives all of them the labels of its Crowd. Where nothing says it, package
// verdict solves for the scenario.
//
// A line is that of the allocation, or of the go statement. Where nothing of the
// project's allocates, the source is read, if it is there: for the statements that put
// into a collection, raise a counter, or open a descriptor by a system call.
//
// # Order
//
// Wait until the target says that everybody has gone; only then read. Descriptors
// are read before the first forced collection, for that closes the forgotten ones;
// Goroutines may be read at any time, cheapest first. Then the collection, once
// for all detectors of a Reading, and what counts live objects: Unclosed, Sites,
// Timers. Census does not depend on it. A heap dump comes before a goroutineleak
// profile, which in Go 1.26 makes it crash.
//
// The baseline comes after a warm-up with as many peers at once as the cycles will
// have: pools, maps, goroutine descriptors and free lists follow the highest number
// there ever was.
//
// # Errors
//
// An error of a detector means that it could not look: a profile that is not exact,
// a table that cannot be read, a process that is gone. It makes a run invalid; it
// is never a pass. That there is nothing to find is an empty result without error,
// after a baseline and a cycle.
//
// # What is shared by the process
//
// All but Census, Watch and Goroutines with Labels read what belongs to the whole
// process: tests that use them must not run in parallel with others.
package harness
