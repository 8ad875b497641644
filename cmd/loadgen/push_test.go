package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// startHubOfTest starts a hub in this process.
func startHubOfTest(t *testing.T) string {
	t.Helper()
	target, err := hubtest.Start(hub.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := target.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return target.URL()
}

// A receiver that refuses everything, and one that is not there, are reported, and change nothing
// else. No secret is printed.
func TestPushesThatFail(t *testing.T) {
	t.Parallel()
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such tenant", http.StatusUnauthorized) }))
	defer refuses.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	args := []string{"ramp", "--peers=30", "--rate=100", "--duration=300ms", "--report=" + dir, "--push-every=100ms",
		"--remote-write=" + strings.Replace(refuses.URL, "://", "://me:hush@", 1), "--remote-write-header=X-Key: hush", "--remote-write-token", "hush", "--otlp=" + gone.URL, startHubOfTest(t)}
	if code := run(t.Context(), args, []string{"OTEL_EXPORTER_OTLP_HEADERS=api-key=hush"}, &stdout, &stderr); code != exitPassed && !slow(code, stdout.String()) {
		t.Fatalf("code %d\n%s\n%s", code, stdout.String(), stderr.String())
	}
	for _, want := range []string{"pushed       remote write http://127.0.0.1", "did not arrive", "401 Unauthorized: no such tenant", "pushed       OTLP http://127.0.0.1", "connection refused"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%q is missing in\n%s", want, stdout.String())
		}
	}
	if n := strings.Count(stderr.String(), "a push failed"); n != 2 {
		t.Errorf("%d warnings\n%s", n, stderr.String())
	}
	files := map[string]string{"stdout": stdout.String(), "stderr": stderr.String()}
	for _, name := range []string{"index.html", "loadgen.json", "verdict.md", "junit.xml"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(b)
	}
	for name, text := range files {
		if strings.Contains(text, "hush") {
			t.Errorf("%s has a secret", name)
		}
	}
	for _, name := range []string{"index.html", "loadgen.json", "verdict.md"} {
		if !strings.Contains(files[name], "did not arrive") && !strings.Contains(files[name], `"lost": `) {
			t.Errorf("%s does not tell of the pushes", name)
		}
	}
}

func TestPushFlags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ args, environ, names string }{
		{"--remote-write localhost:9090", "", "--remote-write"},
		{"--remote-write ws://localhost:9090", "", "http://"},
		{"--remote-write http://localhost --remote-write-header hush", "", "'Name: value'"},
		{"--remote-write-token hush", "", "--remote-write"},
		{"--otlp ftp://localhost", "", "--otlp"},
		{"--otlp env", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "http/protobuf"},
		{"--otlp env", "OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4317", "--otlp"},
		{"--push-every 1ms", "", "--push-every"},
		{"--push-every 10m", "", "--push-every"},
	} {
		_, err := parse(append(strings.Fields(tt.args), "ramp", "ws://127.0.0.1:1"), strings.Fields(tt.environ))
		if err == nil || !strings.Contains(err.Error(), tt.names) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s %s: %v", tt.args, tt.environ, err)
		}
	}
	for environ, want := range map[string]int{"": 0, "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 OTEL_EXPORTER_OTLP_PROTOCOL=grpc": 0, "LOADGEN_OTLP=env": 1, "LOADGEN_REMOTE_WRITE=http://localhost:9090 LOADGEN_REMOTE_WRITE_TOKEN=hush": 1} {
		o, err := parse([]string{"ramp", "ws://127.0.0.1:1"}, strings.Fields(environ))
		if err != nil || len(o.push.sinks) != want {
			t.Errorf("%s: %d receivers, want %d: %v", environ, len(o.push.sinks), want, err)
		}
	}
}

// A job of GitHub Actions gets annotations and a summary, by itself.
func TestGitHub(t *testing.T) {
	t.Parallel()
	hub, summary := startHubOfTest(t), filepath.Join(t.TempDir(), "summary.md")
	if err := os.WriteFile(summary, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	args := []string{"ramp", "--peers=20", "--rate=200", "--duration=100ms", "--report=", "--fail=lives<5", hub}
	if code := run(t.Context(), args, []string{"GITHUB_ACTIONS=true", "GITHUB_STEP_SUMMARY=" + summary}, &stdout, io.Discard); code != exitFailed {
		t.Errorf("code %d", code)
	}
	b, err := os.ReadFile(summary)
	if err != nil || !strings.HasPrefix(string(b), "before\n## ") || !strings.Contains(string(b), "lives&lt;5") && !strings.Contains(string(b), "lives<5") {
		t.Errorf("%v: %s", err, b)
	}
	if !strings.Contains(stdout.String(), "::error title=loadgen%3A threshold broken::lives<5") {
		t.Errorf("%s", stdout.String())
	}
	stdout.Reset()
	if run(t.Context(), args, nil, &stdout, io.Discard); strings.Contains(stdout.String(), "::error") {
		t.Errorf("elsewhere, too: %s", stdout.String())
	}
}
