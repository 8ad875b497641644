package main

import (
	"net/http"
	"strings"
	"testing"
)

// The operator's pages ask for the token if other machines can reach them, or if there is one. A
// reload may set, change or drop it.
func TestOperatorsToken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		host, settings       string
		nothing, with, after int // status without the token, with it, and with it after it was dropped
	}{
		{"127.0.0.1", "", 200, 200, 200},
		{"127.0.0.1", "admin-token: hunter2\n", 401, 200, 200},
		{"0.0.0.0", "", 403, 403, 403},
		{"0.0.0.0", "admin-token: hunter2\n", 401, 200, 403},
		{"0.0.0.0", "admin-token: none\n", 200, 200, 403},
	} {
		t.Run(tt.host+" "+tt.settings, func(t *testing.T) {
			t.Parallel()
			file := writeSettings(t, tt.settings)
			s, log, _ := startService(t, "--config="+file, "--admin-address="+tt.host+":0")
			url := log.want("listening for the operator")["url"].(string)
			port := url[strings.LastIndex(url, ":"):]
			want := func(token string, code int) {
				t.Helper()
				header := http.Header{}
				if token != "" {
					header.Set("Authorization", "Bearer "+token)
				}
				if got, _ := get(t, "http://127.0.0.1"+port+"/metrics", header); got != code {
					t.Errorf("with %q it answers %d, want %d", token, got, code)
				}
				if got, _ := get(t, "http://127.0.0.1"+port+"/livez", nil); got != 200 {
					t.Errorf("/livez answers %d", got)
				}
			}
			want("", tt.nothing)
			want("hunter2", tt.with)
			warned := strings.Contains(log.String(), "there is no admin-token")
			if warned != (tt.host == "0.0.0.0" && !strings.Contains(tt.settings, "hunter2")) {
				t.Errorf("there is a warning: %v", warned)
			}
			rewrite(t, file, "")
			s.reload()
			want("hunter2", tt.after)
			if strings.Contains(log.String(), "hunter") {
				t.Errorf("a secret is in the log:\n%s", log)
			}
		})
	}
}

// A hub does not start if every machine could read its metrics, unless that is wanted.
func TestPublicMetricsNeedAToken(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]int{
		"":                       exitConfig,
		"--auth-token=a":         exitOK,
		"--auth-tokens=a":        exitOK,
		"--admin-token=a":        exitOK,
		"--admin-token=none":     exitOK,
		"--host=127.0.0.1":       exitOK,
		"--public-metrics=false": exitOK,
	} {
		code, _, err := ask(t, nil, append([]string{"--check-config", "--public-metrics"}, strings.Fields(args)...)...)
		if code != want || (code == exitConfig) != strings.Contains(err, "admin-token") {
			t.Errorf("%s: exit code %d, says %q, want %d", args, code, err, want)
		}
	}
}
