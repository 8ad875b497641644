// Package detect finds what a program keeps after its peers have left. Each Detector counts
// one kind of thing before the peers come and after each cycle of them.
//
//	func init() { heap.RecordAll() }
//
//	detectors := detect.Detectors{
//		&detect.Descriptors{}, &detect.Goroutines{}, // before the collection
//		&detect.Unclosed{}, &detect.Sites{}, &detect.Timers{},
//		&detect.Census{Roots: map[string]any{"hub": h}},
//	}
//	warmUp()
//	err := detectors.Baseline(ctx, detect.NewReading(0))
//	for _, dose := range []int64{1009, 1013, 1019} {
//		churn(dose)
//		err = settle.Until(ctx, allPeersHaveLeft)
//		err = detectors.Cycle(ctx, detect.NewReading(dose))
//	}
//	findings, err := detectors.Findings(ctx)
//
// It knows nothing of hubs: each detector works alone, in the tests of any Go program.
//
// # What sees what
//
//	Descriptors  sockets, files and pipes left open, in this process or by pid
//	Unclosed     connections and files that the GC freed but that nothing closed
//	Goroutines   goroutines that do not end, by go statement
//	Sites        objects that stay, by the line that allocates them
//	Timers       timers never stopped, contexts never cancelled
//	Census       maps, slices, channels and lists that grow, by field
//	Watch        given objects that are still alive, and by which path
//	Gauges       gauges of the target that drift, checks that fail
//	Quiet        goroutines that run although no peer is connected
//	Footprint    what a connected peer costs, and what a crowd leaves
//
// The documentation of each lists what it misses. Together they miss what a target keeps
// outside its process, memory of C, a counter without a gauge, numbers in a collection that
// no root leads to, and whatever the scenarios do not exercise.
//
// # Order
//
// Read when the target reports that all peers have left. Descriptors come before the first
// forced collection, because a collection closes forgotten ones. Then comes the collection,
// once for all detectors of a Reading, and what counts live objects: Unclosed, Sites, Timers.
// Goroutines and Census do not depend on it. Take a heap dump before a goroutineleak profile:
// in Go 1.26 a dump after one crashes the process.
//
// Take the baseline after a warm-up with as many peers at once as the cycles will have,
// because pools, maps, goroutine descriptors and free lists follow their peak.
//
// # Errors
//
// An error of a detector means that it could not look: a profile that is not exact, a table
// that cannot be read, a process that has ended. It makes a run invalid; it is never a pass.
//
// All detectors but Census, Watch and Goroutines with Labels read what belongs to the whole
// process: tests that use them must not run in parallel with others.
//
// # Files
//
// detector.go has Detector and Reading. Each detector has files that begin with its name.
// growth.go holds the tests for growth, accepted.go attributes connections to scenarios, and
// own.go names functions of this package that must not appear in results.
package detect
