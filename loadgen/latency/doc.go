// Package latency counts times in histograms of constant size that can be merged.
//
//	rec := latency.NewRecorder()
//	rec.Add(latency.HopOffer, tick)               // an offer has arrived
//	offers := rec.Snapshot().Hops[latency.HopOffer]
//	p99 := offers.Latency.Quantile(.99)           // from the intended begin
//
// Each hop has two histograms: latency counts from the intended begin of the action,
// service time from its actual begin.
//
//	hop.go         Hop, the stretches that are measured
//	times.go       Times, one histogram
//	histograms.go  Histograms of all hops
//	recorder.go    Recorder, which many goroutines write to
//	delta.go       Delta, what a recorder counted since the last Take
//	window.go      Window, the times between two moments
//	summary.go     Summary, the figures of a report
package latency
