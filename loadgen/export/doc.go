// Package export sends the numbers of a run to a receiver while the run goes on: by Prometheus
// remote write, or as OTLP metrics over HTTP. Package loadgen does not import it.
//
//	x := export.New(log, export.Labels(plan, target), sinks...)
//	cfg.Watch = func(s loadgen.Status) { x.Watch(s) }
//	result, err := loadgen.Run(ctx, cfg)
//	result.Pushes = x.Close(ctx, result)
//
//	metric.go sample.go   the metrics, and their values in a status or a result
//	exporter.go queue.go  what waits for each receiver, and its goroutine
//	remotewrite.go otlp*.go sink.go   the receivers
//
// # Data flow
//
// The watcher of a run hands out a Status a few times a second. Once an interval the exporter
// takes a Sample of it: all metrics at one time. Counters are cumulative, so a sample that is lost
// leaves a gap and no error. Each receiver has a queue of MaxWaiting samples and one goroutine. A
// full queue drops its oldest sample. A run never waits for a receiver before its end, and then
// for lastPatience at most. The last sample is taken from the result, with the verdict. If several processes
// make the load, the one that coordinates them sends the sums.
//
// # Times
//
// Latencies are classic histograms with fixed bounds. Every receiver takes those, quantiles of any
// window and of several runs can be worked out from them, and OTLP has the same form. Native
// histograms need a recent receiver, and gauges of quantiles cannot be added up. Exact quantiles
// are in the report of the run.
//
// # Libraries
//
// Remote write uses the client of the Prometheus project, with messages of version 1, which every
// receiver takes. OTLP uses the message types of the OpenTelemetry project without gRPC. Its
// exporter would link twenty further modules, and has queues and retries of its own, which this
// package does not need.
package export
