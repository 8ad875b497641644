package report

import (
	"encoding/json"
	"io"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// SuiteJSON writes what the page of a suite shows. The whole verdict of a run is in its own file.
func SuiteJSON(w io.Writer, s Suite) error {
	doc := suiteJSON{
		Schema: verdict.SchemaVersion, Outcome: s.Outcome(), Headline: s.headline(), Name: s.Name, Command: s.Command,
		Start: s.Start, Seconds: s.Seconds, Lives: s.lives(), Runs: []suiteJSONRun{}, Leaks: []suiteJSONLeak{}, Failed: s.Failed, Coverage: s.Coverage,
	}
	for i := range s.Runs {
		v := &s.Runs[i].Verdict
		doc.Runs = append(doc.Runs, suiteJSONRun{v.Run.Name, v.Outcome, v.Run.Lives, v.Run.Seconds, s.Runs[i].Page})
	}
	for _, c := range s.causes() {
		l := suiteJSONLeak{Leak: c.leak}
		for _, seen := range c.seen {
			l.Runs = append(l.Runs, s.Runs[seen.run].Verdict.Run.Name)
		}
		doc.Leaks = append(doc.Leaks, l)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(doc)
}

type suiteJSON struct {
	Schema   int               `json:"schema"`
	Outcome  verdict.Outcome   `json:"outcome"`
	Headline string            `json:"headline"`
	Name     string            `json:"name"`
	Command  string            `json:"command,omitempty"`
	Start    time.Time         `json:"start"`
	Seconds  float64           `json:"seconds"`
	Lives    int64             `json:"lives"`
	Runs     []suiteJSONRun    `json:"runs"`
	Leaks    []suiteJSONLeak   `json:"leaks"`
	Failed   []TestFailure     `json:"failed,omitempty"`
	Coverage *verdict.Coverage `json:"coverage,omitempty"`
}

type suiteJSONRun struct {
	Name    string          `json:"name"`
	Outcome verdict.Outcome `json:"outcome"`
	Lives   int64           `json:"lives"`
	Seconds float64         `json:"seconds"`
	Page    string          `json:"page"`
}

// suiteJSONLeak is a leak as the run tells it that locates it best, and all runs that saw it.
type suiteJSONLeak struct {
	*verdict.Leak
	Runs []string `json:"runs"`
}
