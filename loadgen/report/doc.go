// Package report turns the result of a run into text, HTML, JSON, CSV and Markdown, judges
// the thresholds of its plan, and compares two results. Its functions are pure: they
// depend on the result alone.
//
//	r, err := report.ReadResult(file)
//	err = r.WriteReport("loadgen-report")
//	c, err := report.Compare(before, r)
//
//	result.go         Result and Timing
//	figure*.go        Figure, a measurement of a profile
//	generator.go      what the run itself took
//	capacity.go       Capacity, the highest load that a target holds
//	timeline.go       Timeline, the course of a run in columns
//	series.go kind.go what the series of a target measure, by their names
//	judge.go          thresholds; decided.go which of them cannot be met any more
//	text.go page.go   for people: terminal and HTML
//	chart*.go         the charts of the page
//	export.go         for programs: JSON, CSV, Markdown, histograms
//	annotations.go    for GitHub Actions
//	push.go           what was sent elsewhere while the run went on
//	compare*.go       two results side by side
//	noise.go          how much two runs of the same plan differ by chance
package report
