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
// # Packages
//
//	detect        the detectors: one file family each
//	heap          the exact heap profile, heap dumps, retaining paths
//	source        statements in the source; stack: frames; settle: waiting
//	verdict       findings in, one verdict out; verdict/report writes it
//	conformance   the protocol tests
//	cover         which code a leak test ran; mutate: generated leaks
//	probe         readings of other processes
//
// # Files
//
//	campaign*.go  Campaign; control.go checks its detectors
//	crowd.go      Crowd: peers in parallel, and their labels
//	scenario*.go  Scenario; peer.go: Peer, a client with a name
//	target.go     Target, Inspector, Remote; pipe.go: listeners in memory
//	guard*.go     Guard, GuardParallel
//	report.go     the files of a report
package harness
