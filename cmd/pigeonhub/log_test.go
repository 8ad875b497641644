package main

import (
	"bytes"
	"log/slog"
	"math"
	"runtime/debug"
	"strings"
	"testing"
)

func TestLogFormat(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"auto": `"msg":"hello"`, "json": `"msg":"hello"`, "text": "msg=hello"} {
		var out bytes.Buffer
		log := newLogger(resolved(t, []string{"--log-format=" + format, "--log-level=warn"}, nil), &out)
		log.Info("quiet")
		log.Warn("hello")
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "quiet") {
			t.Errorf("%s: logs %q, want %s and nothing below warn", format, &out, want)
		}
	}
}

func TestHTTPLogLevels(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"http: TLS handshake error from 192.0.2.1:9: EOF\n":               "DEBUG",
		"http: Accept error: accept tcp: too many open files; retrying\n": "WARN",
		"http: panic serving 192.0.2.1:9: oh\ngoroutine 1 [running]:\n":   "ERROR",
	} {
		var out bytes.Buffer
		handler := slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})
		newAdminServer(nil, newConnLimiter(1, 1, nil, nil), slog.New(handler)).ErrorLog.Print(line)
		if got := parse(out.String())["level"]; got != want {
			t.Errorf("%q is logged as %v, want %s", line, got, want)
		}
	}
	var out bytes.Buffer
	newAdminServer(nil, newConnLimiter(1, 1, nil, nil), slog.New(slog.NewJSONHandler(&out, nil))).ErrorLog.Print("http: TLS handshake error")
	if out.Len() > 0 {
		t.Errorf("logs %q above its level", &out)
	}
}

// It sets a limit of the whole process, so it runs alone.
func TestLimitGo(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	log := slog.New(slog.DiscardHandler)

	resolved(t, []string{"--memory-limit=1GiB"}, []string{"GOMEMLIMIT=5GiB"}).limitGo(log)
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("GOMEMLIMIT is set, and yet the limit is %d, want the %d of before", got, before)
	}
	resolved(t, []string{"--memory-limit=10GiB"}, []string{"GOMEMLIMIT="}).limitGo(log)
	if got := debug.SetMemoryLimit(-1); got != 10<<30*3/4 {
		t.Errorf("the limit is %d, want three quarters of 10GiB", got)
	}
	debug.SetMemoryLimit(math.MaxInt64)
	resolved(t, nil, nil).limitGo(log) // whatever this machine has, nothing breaks
	if got := debug.SetMemoryLimit(-1); got <= 0 {
		t.Errorf("the limit is %d", got)
	}
}
