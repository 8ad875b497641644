// Package loadgen puts load on a WebSocket hub, any make of hub, and reports the result: a
// leak verdict with the smallest leak that the run could have seen, latencies, and what
// became of every message. It sees the target from outside only.
//
//	plan, err := loadgen.PlanOf("check")
//	result, err := loadgen.Run(ctx, loadgen.Config{URL: "ws://127.0.0.1:3000", Plan: plan})
//	err = result.WriteReport("loadgen-report")
//	os.Exit(result.Verdict.Outcome.ExitCode())
//
// # Map
//
//	plan -> profile -> schedule -> fleet, peers -> codec, socket
//	                                 |
//	                                 +-> network, ledger, recorder
//	target (probes) -> experiment -> verdict
//
//	run*.go             Config, Run: the phases of a plan one after the other
//	run_cut.go          the end of a run whose thresholds cannot be met any more
//	plans.go profile.go the list of profiles, and their defaults
//	profile_*.go        one profile each
//	phase_run.go        one phase under way; phase_notes.go its figures, seeds.go its random streams
//	scenario.go life.go steps.go    what one peer does, step by step
//	fleet.go peer*.go leave.go exchange.go tag.go network.go    the virtual peers
//	socket.go source*.go            their connections
//	returners.go visibility.go      peers that reconnect; which members have heard of which
//	hostile_*.go                    the inputs of the profile hostile
//	capacity*.go                    the search of the profile capacity, and the load of a level
//	target*.go settle.go reading.go wait.go    the target, and how it comes to rest
//	residents*.go run_residents.go  the experiment with peers that stay
//	experiment*.go sites.go         the leak experiment, what the fields of pages are, and where in the code the target grew
//	counters.go status.go watcher.go own*.go  what a run counts and shows, and what it takes itself
//	share.go coordinator.go worker.go cursor.go    one plan in several processes
//
//	codec/ dial/ schedule/ latency/ delivery/ plan/ preflight/ report/ cluster/ agents/ export/
//
// # Plans and profiles
//
// A plan is a list of phases, and a phase is a profile with its figures. A profile puts
// actions on the schedule, each with the time at which it is due. Actions make peers act.
// What peers hear goes to the networks (which members should hear of which), to the ledger
// (every message from peer to peer) and to the recorder (times).
//
// # Time
//
// The model is open: the time of an action depends on the rate and the seed alone, not on
// the answers of the target. Latency counts from that time, service time from the begin of
// the action. How late actions began is counted, too. Beyond report.SlipBound the generator
// was saturated, and the times describe the generator more than the target.
//
// # Leaks
//
// Blocks in which peers of all scenarios come and go alternate with blocks without peers, in
// random order within each pair. At the end of each block no peer is connected, the target
// settles and is read. The dose of each scenario differs from block to block, so that the
// growth shows which scenario it comes from. Package harness/verdict has the statistics. A
// peer that vanishes is reset after a while, as a network would do with the next packet.
// What is retained after that is a leak, whatever timeout the target has.
//
// If the target has pprof pages, the difference of two profiles names the sites that grew.
// When the target settles for the first time, the run learns how long that takes. Memory
// that is read without a GC varies by megabytes, so only larger growth of it matters.
// Memory that all scenarios add to alike may be a cache that fills: it leaks if it outlasts
// one. A field of a page is a collection if it rises with peers and is seen to fall, which
// three peers show that come alone before the blocks.
// `make calibrate` runs all this against hubs with known leaks and without.
//
// # Profiles with a judgement of their own
//
// Some profiles evaluate what they see, and note figures: fanout (which members have heard
// of which), duplicate, halfopen, stall (are queues bounded, do bystanders suffer), spike and
// drain (which peers have returned, and when), hostile (which input killed the target),
// capacity (the highest load that the target holds, and what breaks above it). A
// peer that the target may end is excused: its end is not a cut. A soak is an experiment
// whose blocks grow up to a bound. It goes on when no series leaks.
//
// After that, residents stay in a network while visitors enter and leave it. What grows with
// the messages that residents receive, and is released when they leave, is a leak of residents.
// Two controls are tested with the readings of the target: a collection that holds each of
// those messages, which must be reported, and one that holds the residents, which must not.
//
// A check ends with rough phases: a crowd in one network, a herd, and hostile input, which
// comes last because it may end the target. The target is read after each, and what stays
// again when the phase is repeated is a failure. They do not change what is known of leaks. A
// target on another machine gets them only on request.
//
// # Other protocols
//
// A codec translates between peers and the protocol of the target. What only some protocols
// have is a capability of the codec. A profile that needs a missing capability is refused
// before the run. A check leaves out the scenarios that need one, and reports them as not
// tested.
//
// # Seeds
//
// Every random choice draws from a stream of its own, derived from the seed of the plan and
// the place of the choice. The same plan and seed give the same peers, scenarios, times and
// doses. A choice that depends on answers of the target, such as which of two members is
// there to be signalled to, may differ.
//
// # Scale
//
// Before a run, package preflight compares what the run needs with what the machine allows.
// An idle peer takes less than 8 KB of this process. The limit of descriptors bounds the
// peers of a process. Beyond it several processes share a plan: each runs a part of the
// peers and actions, with the members of a network together if there are enough networks.
// The coordinator reads the target and makes the verdict. The workers run phases and blocks
// on its orders, and send several times a second what they have counted. The sums are
// exactly what one process would have counted. Workers are processes on this machine
// (package cluster), or agents on others over NATS (package agents). The loss of a worker
// makes a run invalid, because its last counts are unknown. The end of the coordinator ends
// its workers. Peers signal only to peers of the same worker, so that each time is measured
// by one clock.
package loadgen
