// Package verdict decides from the findings of a leak test whether there is a leak. It is
// pure: a Run goes in, a Verdict comes out, without clock, file or network.
//
//	v := verdict.Judge(run)
//	_ = report.Text(os.Stdout, v)
//	os.Exit(v.Outcome.ExitCode())
//
// Package report, below this one, writes verdicts. Package units writes numbers.
//
// # Files
//
//	finding.go run.go verdict.go rules.go threshold.go   the model: what goes in and comes out
//	judge.go validity.go growth.go sensitivity.go        the outcome and what it rests on
//	growth_counts.go                                     whether an exact count keeps growing
//	join*.go leak.go names.go                            findings to leaks, and their fingerprints
//	attribution*.go                                      which scenarios a leak comes from, and in which order that is decided
//	attribute*.go                                        the solver for findings that do not know, and the doses that it needs
//	trend*.go                                            series of a target that is seen from outside only
//
// # The outcome
//
// Judge decides in this order:
//
//   - Failed: the target failed in another way than by leaking, for example it died. That
//     explains whatever the run lacks.
//   - Invalid: the run proves nothing. A detector was missing, or more than one percent of
//     the planned peers of a scenario (and more than one peer) did not do what the scenario
//     says, or a control was judged wrongly. Each Reason says what to do.
//   - Leaking: there is a leak that no rule allows.
//   - Failed: a failure that does not affect the leaks (Aside), or a failed threshold.
//   - Invalid: a rule is stale. It would hide the next leak of its kind.
//   - Inconclusive: there is a doubt.
//   - Untested: nothing looked for leaks, neither a detector that counts them nor a trend.
//   - Pass.
//
// Only a pass, or a leak whose scenarios are known, clears scenarios (NotLeaking).
//
// # One leak, reported once
//
// Findings are joined if they name the same retaining path, collection, line or type, or if
// they grow in the same way: in the same scenarios, one a whole multiple of the other in
// each cycle. The class nearest to the cause names the leak, a goroutine before the objects
// that it holds. A strict finding (goroutine, descriptor, timer, subscription, unclosed
// resource, watched object) is a leak even if it is a single one. Other growth is a leak if
// it follows the doses or goes on in every cycle. It is doubtful if it slows down, skips
// cycles or ignores the doses.
//
// # Thresholds
//
// The caller may add conditions of its own, such as a bound on a latency, which it has
// evaluated. A failed one turns a pass into a failure, an inconclusive one into an
// inconclusive run. Neither changes what is known about leaks.
//
// # The scenario
//
// A finding with PerScenario is believed. For any other the scenario is solved for from the
// growth in each cycle and the doses; Doses plans doses that make this work. If several
// scenarios fit equally well, the leak names either all of them or none. Rare leaks, and
// leaks whose size varies from peer to peer, often stay unsolved. Trials plans further
// cycles for those, in which some scenarios take part and others do not. Trials run only if
// there is a leak, and do not decide whether there is one. attribution_sources.go has the
// whole order.
//
// # The fingerprint
//
// A fingerprint is a hash of the class and of the retaining path with its keys starred; or
// else of the collection; or else of type and function of birth. It contains no line, count,
// seed or address, so it stays the same until the leak is repaired or the code around it is
// renamed.
//
// # Sensitivity
//
// A verdict reports what it would have seen: the n for which a leak of one thing in n random
// peers of any scenario is seen with 99 %. That follows from the doses and from the noise
// that the detectors declare.
//
// # Coverage
//
// A leak in code that did not run cannot be seen. A Coverage states how much of each package
// ran and which lines did not, those that release something first. It does not change the
// outcome: the report states it beside the verdict. Package cover makes it.
//
// # Targets that are seen from outside only
//
// For such a target there are series of readings taken at rest, after blocks of peers (on)
// and blocks without peers (off), best in random order within each pair. Test regresses the
// change of the on blocks, less that of the off blocks, on the number of peers. Its interval
// holds however often it is computed, so a load test can stop as soon as it is sure;
// trend_sequential.go has the method and its sources. TestTogether does the same for several
// scenarios in the same blocks, of which one, two, three or all may leak. TestHeld does not
// take memory that a leak of counts holds for that of another scenario. Growth that ends,
// as that of a cache that has filled, is no leak.
package verdict
