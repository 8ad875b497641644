package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// written writes a result with so many lost messages, and returns its report.
func written(t *testing.T, lost int64, peers int) string {
	t.Helper()
	ramp, err := loadgen.PlanOf("ramp")
	if err == nil {
		ramp, err = loadgen.With(ramp, plan.Phase{Peers: peers})
	}
	if err != nil {
		t.Fatal(err)
	}
	r := report.Result{Schema: report.SchemaVersion, Plan: ramp, Latencies: latency.NewRecorder().Snapshot()}
	r.Deliveries.Sent, r.Deliveries.Lost = 1000, lost
	dir := t.TempDir()
	if err := r.WriteReport(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCompare(t *testing.T) {
	t.Parallel()
	a, bad, other := written(t, 0, 10), written(t, 100, 10), written(t, 0, 20)
	junk := filepath.Join(t.TempDir(), "junk.json")
	if err := os.WriteFile(junk, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"regression", []string{a, bad}, exitFailed, "Regression: 1 worse"},
		{"markdown, by file", []string{"--markdown", a, filepath.Join(bad, "loadgen.json")}, exitFailed, "| lost |"},
		{"equal", []string{a, a}, exitPassed, "No regression"},
		{"within what runs differ", []string{a, a, "--like", a}, exitPassed, "No regression"},
		{"another plan", []string{a, other}, exitCannotTell, "Peers is 10 and 20"},
		{"one only", []string{a}, exitCannotTell, "two results"},
		{"no file", []string{a, a + "-missing"}, exitCannotTell, "no such file"},
		{"no result", []string{a, junk}, exitCannotTell, "version 0"},
		{"help", []string{"--help"}, exitPassed, "--like"},
		{"unknown flag", []string{"--likes", a, a}, exitCannotTell, "likes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if code := run(t.Context(), append([]string{"compare"}, tt.args...), nil, &out, &out); code != tt.code || !strings.Contains(out.String(), tt.says) {
				t.Errorf("code %d, want %d and %q:\n%s", code, tt.code, tt.says, out.String())
			}
		})
	}
}
