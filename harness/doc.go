// Package harness tests a signaling hub for leaks: it sends peers through scenarios and
// reports what the hub keeps of them.
//
//	func init() { heap.RecordAll() }
//
//	campaign := &harness.Campaign{
//		Crowd:     harness.Crowd{Target: target, Scenarios: scenarios},
//		Detectors: []detect.Detector{&detect.Descriptors{}, &detect.Goroutines{}, &detect.Unclosed{}, &detect.Sites{}},
//	}
//	run, err := campaign.Run(ctx)
//	v := verdict.Judge(run)
//
// A Campaign warms the hub up, checks its detectors on planted leaks, and sends crowds
// through the scenarios in cycles with different doses. It reads the process after each
// cycle. If it is not clear which scenarios leak, it repeats cycles without some of them.
// A Guard runs the same detectors around one test.
//
// # Attribution
//
// The scenario of a leak comes from the label given to Watch, from the keys of a map
// (Census.Label), from the address that a connection came from (detect.Accepted), and from
// the names and ids near an object or in a goroutine's frames (heap.Explain). A Campaign
// gives all of them the labels of its Crowd. Where none of them has a label, package verdict
// solves for the scenario.
//
// The line of a leak is that of the allocation or of the go statement. If no line of the
// project allocates, package source looks for the statements that insert into a collection,
// raise a counter, or open a descriptor by a system call.
//
// # Guard
//
// Cleanups run in reverse order. Guard registers the first one, so it looks after the cleanups of
// everything that the test and its helpers start later. In Ginkgo, call Guard(GinkgoT()) first in
// the outermost BeforeEach: it looks after the AfterEach nodes and all later DeferCleanups. But
// Ginkgo keeps cleanups until all have run, and the variables of its containers: an object or a
// stopped timer that one of these refers to counts as left behind.
//
// What existed before the test does not count. Goroutines of that time are logged once for each go
// statement, because an earlier test may have left them. A test that has failed is not checked,
// because a test that ends in the middle leaves things. A guard that cannot look fails the test.
//
// A guard waits after the test until nothing is left, or until what is left has not changed for 400
// ms: see Grace. It does not force a collection without a reason. In a program without
// heap.RecordAll it finds connections and files that the test dropped if their descriptors are
// still open after the test. It does not see those that a collection closed within the test, which
// Unclosed counts after RecordAll, and no type whose Close was forgotten but that has neither
// descriptor nor finalizer: add such objects to the Watch with Open.
//
// A guarded test must not call heap.PauseRecording, nor run a Campaign, which does: after
// heap.RecordAll the guard could not count timers and would fail the test.
//
// # Packages
//
//	detect        the detectors: one file family each
//	heap          the exact heap profile, heap dumps, retaining paths
//	source        statements in the source; stack: frames; settle: waiting
//	verdict       findings in, one verdict out; verdict/report writes it
//	serve         an http.Handler as a target
//	conformance   the protocol tests
//	cover         which code a leak test ran; mutate: generated leaks
//	probe         readings of other processes
//
// # Files
//
//	campaign*.go  Campaign; control.go checks its detectors
//	crowd*.go     Crowd: peers in parallel, and their labels; arrivals.go counts them
//	resident.go   peers that stay over all cycles
//	scenario*.go  Scenario; peer*.go: Peer, a client with a name
//	target.go     Target, Inspector, Remote; pipe.go: listeners in memory
//	protocol.go   peers of other protocols than PeerPigeon's
//	guard*.go     Guard, GuardParallel
//	report.go     the files of a report
package harness
