package harness_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// A report has every format. It has raw evidence only if the run did not pass.
func TestWriteReport(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "report")
	raw := []string{"goroutine.txt", "heap.pb.gz"}
	for _, outcome := range []verdict.Outcome{verdict.Pass, verdict.Leaking} {
		if err := harness.WriteReport(dir, verdict.Verdict{Outcome: outcome}); err != nil {
			t.Fatal(err)
		}
		for _, f := range report.Formats() {
			if b, err := os.ReadFile(filepath.Join(dir, f.File)); err != nil || len(b) == 0 {
				t.Errorf("%s: %s: %d bytes, %v", outcome, f.File, len(b), err)
			}
		}
		for _, name := range raw {
			if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != (outcome != verdict.Pass) {
				t.Errorf("%s: %s: %v", outcome, name, err)
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "goroutine.txt"))
	if err != nil || !strings.Contains(string(text), "TestWriteReport") {
		t.Errorf("the stacks are not those of now: %v", err)
	}
	heap, err := os.ReadFile(filepath.Join(dir, "heap.pb.gz"))
	if err != nil || !bytes.HasPrefix(heap, []byte{0x1f, 0x8b}) {
		t.Errorf("the heap profile is not compressed: %v", err)
	}
	index, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil || !bytes.Contains(index, []byte("leak")) {
		t.Errorf("index.html does not tell the outcome: %v", err)
	}
	// The next run passes: the evidence of this one is removed.
	if err := harness.WriteReport(dir, verdict.Verdict{Outcome: verdict.Pass}); err != nil {
		t.Fatal(err)
	}
	for _, name := range raw {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}

// The error of a report that cannot be written names the file.
func TestWriteReportFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "index.html"), 0o755); err != nil {
		t.Fatal(err)
	}
	pass := verdict.Verdict{Outcome: verdict.Pass} // without raw evidence, which takes long
	if err := harness.WriteReport(dir, pass); err == nil || !strings.Contains(err.Error(), "index.html") {
		t.Errorf("a file in whose place is a directory: %v", err)
	}
	if err := harness.WriteReport(filepath.Join(dir, "verdict.json", "below"), pass); err == nil {
		t.Error("a directory below a file was made")
	}
}
