// Package report writes verdicts for people and programs.
//
//	v := verdict.Judge(run)
//	_ = report.Text(os.Stdout, v)
//	for _, f := range report.Formats() {
//		_ = f.Write(file(f.File), v)
//	}
//
// Every writer is a pure function of a verdict. Text that peers or a target chose is escaped
// in each format, so it can neither steer a terminal nor become markup.
//
// # Files
//
//	format.go                      Formats, and the JSON form with its schema
//	text.go text_series.go         one screen for a terminal; page.go has its lines and columns
//	markdown.go junit.go sarif.go  for a CI system
//	html.go report.html            one page without scripts; chart*.go draw its charts
//	suite*.go                      the same for a suite of several runs, each leak once
//	leak_words.go run_words.go     phrases that the formats share
//
// # Charts
//
// Chart draws any lines, so other packages use it for sections of their own; see HTMLWith.
package report
