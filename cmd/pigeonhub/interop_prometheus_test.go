//go:build interop && unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A Prometheus with the shipped configuration scrapes a hub, evaluates all rules without an
// error, and raises no alert.
func TestInteropPrometheus(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("prometheus"); err != nil {
		t.Skip("prometheus is not in PATH: apt-get install prometheus")
	}
	hub := start(t)
	connect(t, "ws://"+hub.addr)
	operator := strings.TrimPrefix(hub.log.want("listening for the operator")["url"].(string), "http://")
	dir, address := t.TempDir(), fmt.Sprintf("127.0.0.1:%d", unusedPort(t))
	config := strings.NewReplacer("127.0.0.1:6060", operator, "interval: 15s", "interval: 1s").Replace(string(readFile(t, "deploy/prometheus/prometheus.yml")))
	for name, text := range map[string]string{"prometheus.yml": config, "rules.yml": string(readFile(t, rulesFile))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ended := startProgram(t, exec.Command("prometheus", "--config.file="+dir+"/prometheus.yml", "--storage.tsdb.path="+dir+"/data",
		"--web.listen-address="+address))
	var found struct {
		Data struct {
			Groups []struct {
				Name  string
				Rules []evaluated
			}
			Result []any // of a query
		}
	}
	ask := func(path string) bool {
		found.Data.Groups, found.Data.Result = nil, nil
		return readJSON("http://"+address+path, &found)
	}
	untilTrue(t, ended, func() bool {
		return ask("/api/v1/query?query=pigeonhub_sessions{job=\"pigeonhub\"}==1") && len(found.Data.Result) == 1
	})
	scraped := time.Now()
	untilTrue(t, ended, func() bool {
		if !ask("/api/v1/rules") {
			return false
		}
		for _, g := range found.Data.Groups {
			for _, r := range g.Rules {
				if r.LastEvaluation.Before(scraped) {
					return false
				}
			}
		}
		return true
	})
	rules := 0
	for _, g := range found.Data.Groups {
		for _, r := range g.Rules {
			rules++
			if r.Health != "ok" || len(r.Alerts) > 0 {
				t.Errorf("rule %s is %s %s, alerts %v", r.Name, r.Health, r.LastError, r.Alerts)
			}
		}
	}
	if want := len(alertRules(t)); rules != want {
		t.Errorf("Prometheus has %d rules, want %d", rules, want)
	}
}

// evaluated is a rule as Prometheus has evaluated it.
type evaluated struct {
	Name, Health, LastError string
	LastEvaluation          time.Time
	Alerts                  []any
}

// readJSON decodes a page and reports whether it could.
func readJSON(url string, to any) bool {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK && json.NewDecoder(res.Body).Decode(to) == nil
}
