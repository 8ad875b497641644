// Package regress is the leak regression suite of the hub. Its Ginkgo specs put
// thousands of peers through a hub and compare what the process holds before and after.
//
//	go test ./regress                             the quick and the full specs, about two minutes
//	go test ./regress -ginkgo.label-filter=wide   edge cases, and the program cmd/pigeonhub
//	make regress                                  both, with the summary and the code that did not run
//	go test ./regress -ginkgo.label-filter=soak   an hour or more (PIGEONHUB_SOAK_CYCLES)
//	PIGEONHUB_URL=ws://... go test ./regress      the specs that need only the wire, on a running hub
//	make power                                    which planted leaks the suite catches
//	make alarms                                   whether it ever reports a leak that does not exist
//
// A run prints its seed. -ginkgo.seed=N repeats the same peers in the same order. The report
// is in regress-report, or in the folder that PIGEONHUB_REPORT names: index.html for people,
// JSON, JUnit, SARIF and Markdown for machines. runs/ has a folder for each run, and raw
// profiles if the run did not pass.
// testdata/known-leaks.json lists leaks that are accepted until a date.
//
// # Labels
//
//	quick, full   run by go test ./regress
//	wide          run by make regress and CI
//	soak          run for as long as asked
//	remote        run if PIGEONHUB_URL names a hub; all others then do not
//	power         run by make power, on mutants
//
// # Scenarios
//
// The scenarios of the leak catalogue and what covers each: a name is a scenario of
// package harness or of this package, a text in quotes is a spec.
//
//	S1   clean leave, same ids each round         clean, return
//	S2   fresh ids and fresh networks             fresh, roam (ids are fresh in all but return)
//	S3   close 0-5 ms after the announce, RST     early-close, rst, drop
//	S4   the same id before the old close         reconnect, duplicate
//	S5   peers that do not read                   stall
//	S6   black holes                              vanish; TestThirtyDays
//	S7   silence, half a frame, no id             mute, half-frame, trickle, bad-id
//	S8   slow and broken handshakes               bad-handshake, unauthorized, full
//	S9   flood while others leave                 flood, beside all others
//	S10  stop under load, twice, at once          start-stop, cut-off, "thousands of peers at once"
//	S11  links of hubs that flap                  hub (a hub as a client; this hub makes no links)
//	S12  offers to absent peers                   absent, signal
//	S13  large announces                          large, "an idle peer that has sent large messages"
//	S14  one peak, then equal rounds              every campaign warms up to its peak
//	S15  three periods of every sweep             TestThirtyDays
//	S16  short heartbeats                         every campaign: pings each second
//	S17  compression                              none: the hub negotiates no compression
//	S18  exit paths                               bad-frame, flood, half-frame, goodbye, large
//	S19  many of one network, in random order     networks of ten in every scenario
//	S20  10,000 idle, limits exceeded             "thousands of peers at once", full, flood
//	S21  a thousand hubs in one process           "hubs that start and stop"
//
// Beyond the catalogue, residents stay over all cycles of a campaign: resident-announce,
// resident-roam, resident-signal, resident-ping, resident-guest, resident-probe.
//
// Two groups of specs go beyond the catalogue. "a hub under edge cases" covers malformed
// messages, refusals of every kind, HTTP pages and slow subscribers. "the program
// cmd/pigeonhub" runs the hub as a process of its own, and reads it from outside: profiles,
// metrics and descriptors.
//
// # What it catches
//
// make power builds the hub with each mutant of testdata/mutants in turn. An independent
// witness checks that the mutant leaks. Then the suite, goleak, gleak and the goroutineleak
// profile examine it. The result is in regress-report/power.md; testdata/mutants/POWER.md
// records the last complete run, and README.md has its figures.
package regress
