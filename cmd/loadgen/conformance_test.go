package main

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness/conformance"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// conform runs the command, and returns its exit code, its text and its JUnit form.
func conform(t *testing.T, args ...string) (code int, text string, junit report.JUnitSuite) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "junit.xml")
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), append([]string{"conformance", "--junit", file}, args...), nil, &stdout, &stderr)
	if b, err := os.ReadFile(file); err == nil {
		var all struct {
			Suites []report.JUnitSuite `xml:"testsuite"`
		}
		if err := xml.Unmarshal(b, &all); err != nil || len(all.Suites) != 1 {
			t.Fatalf("%d suites: %v", len(all.Suites), err)
		}
		junit = all.Suites[0]
	}
	return code, stdout.String() + stderr.String(), junit
}

// The hub of this module conforms. A case that is left out does not apply.
func TestConformance(t *testing.T) {
	t.Parallel()
	target, err := hubtest.Start(hub.Config{})
	if err != nil {
		t.Fatal(err)
	}
	code, text, junit := conform(t, "--skip", "any path", target.URL())
	if err := target.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	cases := len(conformance.Checks())
	if code != exitPassed || !strings.Contains(text, "verdict CONFORMS") || strings.Count(text, "PASS") != cases-1 || strings.Count(text, "N/A") != 1 {
		t.Errorf("code %d\n%s", code, text)
	}
	if junit.Tests != cases || len(junit.Cases) != cases || junit.Skipped != 1 || junit.Failures+junit.Errors != 0 {
		t.Errorf("JUnit has %d cases, %d skipped, %d failed", junit.Tests, junit.Skipped, junit.Failures)
	}
}

// closer starts a server that ends each connection at once and returns its URL. With a status
// other than 0 it refuses all connections but the first.
func closer(t *testing.T, status int) string {
	t.Helper()
	var came atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if came.Add(1) > 1 && status != 0 {
			w.WriteHeader(status)
			return
		}
		u := websocket.Upgrader{}
		if ws, err := u.Upgrade(w, r, nil); err == nil {
			ws.Close()
		}
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// A server that is no hub fails, with what was wanted.
func TestConformanceOfNoHub(t *testing.T) {
	t.Parallel()
	code, text, junit := conform(t, closer(t, 0)+"/deep/path")
	if code != exitFailed || !strings.Contains(text, "verdict FAILED") || !strings.Contains(text, "wanted") {
		t.Errorf("code %d\n%s", code, text)
	}
	if !strings.Contains(text, "N/A    3     any path") || junit.Failures != junit.Tests-1 {
		t.Errorf("%d of %d failed\n%s", junit.Failures, junit.Tests, text)
	}
}

// A target that turns peers away is not judged.
func TestConformanceOfAFullHub(t *testing.T) {
	t.Parallel()
	code, text, junit := conform(t, closer(t, http.StatusTooManyRequests))
	if code != exitInconclusive || !strings.Contains(text, "verdict INCONCLUSIVE") || junit.Errors == 0 || junit.Failures != 0 {
		t.Errorf("code %d, %d errors, %d failures\n%s", code, junit.Errors, junit.Failures, text)
	}
}

// What cannot begin says why.
func TestConformanceThatCannotBegin(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"ws://127.0.0.1:1": "cannot be reached", "wss://hub.example.org": "--i-own-this", "--skip=tea ws://127.0.0.1:1": `no case "tea"`,
		"ftp://127.0.0.1": "scheme", "ws://127.0.0.1:1 ws://127.0.0.1:2": "unexpected argument",
	} {
		if code, text, _ := conform(t, strings.Fields(args)...); code != exitCannotTell || !strings.Contains(text, want) {
			t.Errorf("%s: code %d, %q, want %q", args, code, text, want)
		}
	}
	if code, text, _ := conform(t, "--help"); code != exitPassed || !strings.Contains(text, "--skip NAME") {
		t.Errorf("help: code %d\n%s", code, text)
	}
}
