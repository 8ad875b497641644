package report

import (
	_ "embed"
	"encoding/json"
	"io"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Schema is the JSON Schema (draft 2020-12) of what JSON writes.
//
//go:embed schema.json
var Schema []byte

// JSON writes the whole verdict, as Schema describes it.
func JSON(w io.Writer, v verdict.Verdict) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Format is one written form of a verdict.
type Format struct {
	File  string // the name it usually has
	Write func(io.Writer, verdict.Verdict) error
}

// Formats returns all formats.
func Formats() []Format {
	return []Format{
		{"index.html", HTML},
		{"verdict.txt", Text},
		{"verdict.md", Markdown},
		{"verdict.json", JSON},
		{"junit.xml", JUnit},
		{"leaks.sarif", SARIF},
	}
}

// SuiteFormat is one written form of the result of a suite.
type SuiteFormat struct {
	File  string // the name it usually has
	Write func(io.Writer, Suite) error
}

// SuiteFormats returns all formats of a suite. Their files have the names of those of a run.
func SuiteFormats() []SuiteFormat {
	return []SuiteFormat{
		{"index.html", SuiteHTML},
		{"verdict.txt", SuiteText},
		{"verdict.md", SuiteMarkdown},
		{"verdict.json", SuiteJSON},
		{"junit.xml", SuiteJUnit},
		{"leaks.sarif", SuiteSARIF},
	}
}
