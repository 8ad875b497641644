package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// ask runs what ends at once.
func ask(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, environ, &out, &err)
	return code, out.String(), err.String()
}

func TestHelpNamesEverything(t *testing.T) {
	t.Parallel()
	code, out, _ := ask(t, []string{"PORT=bad"}, "-h")
	if code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
	for s := range newConfig(nil).all() {
		if !strings.Contains(out, "\n  --"+s.name+" ") || s.env != "" && !strings.Contains(out, "["+s.env+"]") {
			t.Errorf("--%s or its variable is not in the help", s.name)
		}
	}
	for line := range strings.Lines(out) {
		if utf8.RuneCountInString(line) > helpWidth+1 || strings.HasSuffix(line, " \n") {
			t.Errorf("too long, or ends in a space: %q", line)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if code, out, _ := ask(t, nil, "--version"); code != exitOK || !strings.HasPrefix(out, "pigeonhub ") || !strings.Contains(out, " go1.") {
		t.Errorf("exit code %d, says %q", code, out)
	}
}

func TestPrintConfig(t *testing.T) {
	t.Parallel()
	code, out, _ := ask(t, []string{"AUTH_TOKEN=s3cret", "PIGEONHUB_HUB_KEY=s3cret too", "PORT=4000"}, "--print-config", "--host=::1")
	if code != exitOK || strings.Contains(out, "s3cret") {
		t.Errorf("exit code %d, or a secret shows:\n%s", code, out)
	}
	rows := make(map[string]string)
	for line := range strings.Lines(out) {
		name, rest, _ := strings.Cut(line, " ")
		rows[name] = strings.Join(strings.Fields(rest), " ")
	}
	for name, want := range map[string]string{
		"auth-token": "(secret) AUTH_TOKEN", "hub-key": "(secret) PIGEONHUB_HUB_KEY", "tls-key": "- default",
		"port": "4000 PORT", "host": "::1 --host", "queue-bytes": "8MiB default",
	} {
		if rows[name] != want {
			t.Errorf("%s: %q, want %q", name, rows[name], want)
		}
	}
	for s := range newConfig(nil).all() {
		if rows[s.name] == "" {
			t.Errorf("%s is missing", s.name)
		}
	}
}

func TestCheckConfig(t *testing.T) {
	t.Parallel()
	cert, key := writeCertificate(t, "example.org")
	if code, out, err := ask(t, nil, "--check-config", "--tls-cert="+cert, "--tls-key="+key); code != exitOK || out != "ok\n" || err != "" {
		t.Errorf("exit code %d, says %q and %q, want %d and ok", code, out, err, exitOK)
	}
	for _, bad := range []struct {
		about         string
		environ, args []string
	}{
		{"PORT", []string{"PORT=x"}, nil},
		{"AUTH_TOKEN", []string{"AUTH_TOKEN=s3\x01cret"}, nil},
		{"--unknown", nil, []string{"--unknown"}},
		{"\"stray\"", nil, []string{"stray"}},
		{"tls-key", nil, []string{"--tls-cert=" + cert}},
		{"tls-cert", nil, []string{"--tls-key=" + key}},
		{"nowhere.pem", nil, []string{"--tls-key=" + key, "--tls-cert=nowhere.pem"}},
		{"PEM", nil, []string{"--tls-key=" + cert, "--tls-cert=" + key}},
	} {
		code, out, err := ask(t, bad.environ, append(bad.args, "--check-config")...)
		if code != exitConfig || out != "" || !strings.Contains(err, bad.about) || strings.Contains(err, "s3") {
			t.Errorf("%v: exit code %d, says %q and %q, want %d and something about %s", bad, code, out, err, exitConfig, bad.about)
		}
		if code, _, _ := ask(t, bad.environ, bad.args...); code != exitConfig {
			t.Errorf("%v: serving ends with %d, want %d", bad, code, exitConfig)
		}
	}
}

func TestHealthCheck(t *testing.T) {
	t.Parallel()
	r := start(t)
	port := "--port=" + r.addr[strings.LastIndex(r.addr, ":")+1:]
	if code, _, err := ask(t, nil, "--health-check", port); code != exitOK {
		t.Errorf("exit code %d, says %q, want %d", code, err, exitOK)
	}
	r.end()
	if code, _, err := ask(t, nil, "--health-check", port); code != exitFailed || err == "" {
		t.Errorf("after the end: exit code %d, says %q, want %d", code, err, exitFailed)
	}
}
