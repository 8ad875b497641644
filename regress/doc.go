// Package regress is the leak regression suite of the hub: Ginkgo specs that put
// thousands of peers through it and hold the process to what it was before.
//
//	go test ./regress                             the quick and full specs, about two minutes
//	go test ./regress -ginkgo.label-filter=wide   what happens now and then, and the program itself
//	make regress                                  all of these, the summary also if all is well, and which code did not run
//	go test ./regress -ginkgo.label-filter=soak   for hours: PIGEONHUB_SOAK_CYCLES
//	PIGEONHUB_URL=ws://... go test ./regress      what can be asked of a deployed hub
//	make power                                    what the suite catches: see below
//	make alarms                                   whether it ever reports a leak that is none
//
// A run prints its seed; -ginkgo.seed=N has the same peers come again in the same
// order. The report is in regress-report (PIGEONHUB_REPORT names another place):
// index.html for people, JSON, JUnit, SARIF and Markdown for machines, and the raw
// profiles if the run did not pass. Leaks that are known for now stand in
// testdata/known-leaks.json, each with the day on which that ends.
//
// # Scenarios
//
// The scenarios of the leak catalogue and where they are:
//
//	S1   clean leave, same ids each round         clean, return
//	S2   fresh ids and fresh networks             fresh, roam (ids are fresh in all but return)
//	S3   close 0-5 ms after the announce, RST     early-close, rst, drop
//	S4   the same id before the old close         reconnect, duplicate
//	S5   peers that do not read                   stall
//	S6   black holes                              vanish; TestThirtyDays
//	S7   silence, half a frame, no id             mute, half-frame, trickle, bad-id
//	S8   slow and broken handshakes, then all     bad-handshake, unauthorized, full
//	S9   flood while others leave                 flood, beside all others
//	S10  stop under load, twice, at once          start-stop, cut-off, "thousands of peers at once"
//	S11  links of hubs that flap                  hub (the near side; there are no links yet)
//	S12  offers to who is not there               absent, signal
//	S13  large announces                          large, "idle"
//	S14  one peak, then equal rounds              every campaign warms up to its peak; "idle"
//	S15  three periods of every sweep             TestThirtyDays
//	S16  short heartbeats                         every campaign: pings each second
//	S17  compression                              the hub negotiates none
//	S18  exit paths                               bad-frame, flood, half-frame, goodbye, large
//	S19  many of one network, in random order     networks of ten in every scenario
//	S20  10,000 idle, caps exceeded               "thousands of peers at once", full, flood
//	S21  a thousand hubs in one process           "hubs that start and stop"
//
// "a hub to which odd things happen" has what is in no catalogue: messages that mean
// nothing, refusals of every kind, pages that are read, subscribers that do not listen.
// "the hub's own program" puts peers and readers through cmd/pigeonhub, which is seen
// from outside: its profiles, its metrics, its descriptors.
//
// # What it catches
//
// make power builds the hub with each of the mistakes in testdata/mutants in turn,
// checks by an independent witness that it leaks, and has the suite, goleak, gleak
// and the goroutineleak profile look at it. The record of the last whole run is
// testdata/mutants/POWER.md, its figures are in README.md beside this file; make power leaves a new one
// in regress-report/power.md.
package regress
