// Package loadgen puts load on a WebSocket hub, ours or anybody's, and says what came
// of it: a leak verdict with the smallest leak that it would have seen, latencies, and
// what became of every message. It sees the target from outside only.
//
//	plan, err := loadgen.PlanOf("check")
//	result, err := loadgen.Run(ctx, loadgen.Config{URL: "ws://127.0.0.1:3000", Plan: plan})
//	err = result.WriteReport("loadgen-report")
//	os.Exit(result.Verdict.Outcome.ExitCode())
//
// # How it is built
//
// A Plan is phases; a phase is a profile with its figures. A profile (profile_*.go)
// puts actions on the schedule, each with the time at which it is due; the schedule
// runs them. Actions make peers of the fleet do something. A peer is one socket and one
// goroutine that reads; it speaks by a Codec. What peers hear goes to the rooms (who
// should hear of whom), the Ledger (every message from peer to peer) and the Recorder
// (times). The target is read by its pages and its process id, and the experiment
// (experiment.go) makes the verdict of these readings.
//
//	plan -> profile -> schedule -> fleet, peers -> codec, socket
//	                                 |
//	                                 +-> room, ledger, recorder
//	target (probes) -> experiment -> verdict
//
// # Time
//
// The model is open: when an action is due depends on the rate and the seed alone, not
// on how the target answers. Latency counts from then, service time from when the
// action began. How late actions began is counted too; beyond SlipBound the generator
// was saturated, and the times say more of it than of the target.
//
// While it runs, a watcher notes once a second what the generator and the target do,
// in a Timeline of bounded size, and tells whoever watches how the run stands.
//
// # Thresholds
//
// A plan may say what must hold, as in p99(offer)<50ms or leak==none (see Threshold).
// What was not measured fails; times are inconclusive when the generator was
// saturated. They are told with the verdict, and can make a pass worse only.
//
// # Reports
//
// A Result is written as one HTML file, as JSON (see Schema), as CSV, and each
// histogram as .hgrm; the forms of the verdict are beside them. Compare sets two
// results side by side: what differs by less than the noise that they show is equal.
//
// # Leaks
//
// Blocks in which peers of all scenarios come and go alternate, in random order within
// each pair, with blocks without; at the end of each nobody is connected, the target
// settles, and is read. All scenarios are in every block, each with a dose of its own
// that differs from block to block: that takes as many peers as one scenario alone
// would, and the growth says whose it is. See harness/verdict for the statistics. A
// peer that vanishes is reset by us after a while, as the network would do with the
// next packet: what stays after that is retained, whatever the target's idea of a
// timeout.
//
// With pprof pages the places in the code of the target that grew are named, by the
// difference of two profiles (places.go). The first time that the target settles, it
// shows how long it takes to let go of things. Memory that is read without a collection
// before it moves by megabytes: what matters of it is larger.
//
// Whether all this is right where the answer is known, `make calibrate` finds out:
// testdata/leakyhubs are hubs with a leak each, and some that grow without one.
//
// # Profiles that judge by themselves
//
// Some profiles say of what they see whether it is right, and note figures of it: fanout
// (who has heard of whom), duplicate, halfopen, stall (is the queue bounded, do others
// suffer), spike and drain (who is back, and when), hostile (which input killed the
// target). Peers that the target has a right to end are excused: their ends are no cuts.
// A soak is the experiment in blocks that grow to a bound, with as long a rest after
// each; it goes on when it is sure that there is no leak, and keeps of each block a few
// readings.
//
// # What is rough
//
// A check ends with what is no life of one peer, and is not done in blocks: a crowd in one
// network, a herd, and hostile input, which comes last for it may be the end of the target
// (rough.go). That is in no book of the run, and what is wrong there takes nothing from
// what is known of leaks. A target on another machine is spared unless the plan says
// otherwise.
//
// # Other protocols
//
// The text codec speaks to any WebSocket server by templates (codec.Text). Peers then
// hear only what answers them: a message is in the books as one to its sender.
//
// # Seeds
//
// All that is drawn is drawn from streams derived from the seed of the plan and the
// place of the choice. The same plan and seed give the same peers, scenarios, times and
// doses; what depends on the answers of the target, such as which of two members is
// there to be signalled to, may differ.
//
// # Scale
//
// Before a run the machine is compared with what the run takes (package preflight): then it
// does not begin, or all of it fits. An idle peer takes less than 8 KB of this process;
// what bounds a process is its limit of descriptors, and beyond that several share a
// plan (share.go). Each does a part of the peers and actions, with the members of a
// network together where there are enough networks; a profile that is marked whole is
// done by one. The coordinator (coordinator.go) reads the target and makes the verdict;
// a worker (worker.go) does phases and blocks as it is told to, and says several times
// a second what it has counted since it said so last (books.go). These sums are what
// one process would have counted, to the last count. Workers are processes that this
// one starts (package cluster), or agents on other machines, over NATS (package agents): the
// same parcels over another link (cluster.Link). The end of a worker makes a run invalid,
// for what it counted last is not known; the end of the coordinator ends its workers.
//
// With workers, what one of them notes of its share (figures, doubts) is merged or
// listed; a time across machines counts by one clock, for peers signal only to peers
// of the same worker.
//
// # The socket
//
// Peers do not use the client of hub/wire: its buffers are 8 KB a connection, and of
// these there are to be many thousands in a process. They share its parser and words.
package loadgen
