//go:build interop && unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A Prometheus with the shipped configuration scrapes a hub, evaluates all rules without an
// error, and raises no alert. It accepts the queries of the dashboard.
func TestInteropPrometheus(t *testing.T) {
	t.Parallel()
	hub := start(t)
	connect(t, "ws://"+hub.addr)
	p := startPrometheus(t, "1s", string(readFile(t, rulesFile)), operatorOf(hub.log))
	untilTrue(t, p.ended, func() bool {
		return len(p.series("pigeonhub_sessions{job=\"pigeonhub\"} == 1")) == 1
	})
	scraped := time.Now()
	var rules []evaluated
	untilTrue(t, p.ended, func() bool {
		rules = p.rules()
		return len(rules) > 0 && !slices.ContainsFunc(rules, func(r evaluated) bool { return r.LastEvaluation.Before(scraped) })
	})
	for _, r := range rules {
		if r.Health != "ok" || len(r.Alerts) > 0 {
			t.Errorf("rule %s is %s %s, alerts %v", r.Name, r.Health, r.LastError, r.Alerts)
		}
	}
	if want := len(alertRules(t)); len(rules) != want {
		t.Errorf("Prometheus has %d rules, want %d", len(rules), want)
	}
	for _, query := range dashboardQueries(t) {
		if !p.query(strings.NewReplacer("$instance", ".*", "$__rate_interval", "1m").Replace(query), new(any)) {
			t.Errorf("Prometheus does not accept %s", query)
		}
	}
}

// runningPrometheus is a Prometheus that scrapes a hub every second.
type runningPrometheus struct {
	url   string
	ended <-chan struct{}
}

// startPrometheus starts one with the shipped configuration and these rules, except that it scrapes
// the addresses of the operator's pages of some hubs, and often.
func startPrometheus(t *testing.T, interval, rules string, operators ...string) runningPrometheus {
	t.Helper()
	if _, err := exec.LookPath("prometheus"); err != nil {
		t.Skip("prometheus is not in PATH: apt-get install prometheus")
	}
	dir, address := t.TempDir(), fmt.Sprintf("127.0.0.1:%d", unusedPort(t))
	config := strings.NewReplacer("127.0.0.1:6060", strings.Join(operators, `", "`), "interval: 15s", "interval: "+interval).
		Replace(string(readFile(t, "deploy/prometheus/prometheus.yml")))
	for name, text := range map[string]string{"prometheus.yml": config, "rules.yml": rules} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("prometheus", "--config.file="+dir+"/prometheus.yml", "--storage.tsdb.path="+dir+"/data", "--web.listen-address="+address)
	return runningPrometheus{"http://" + address, startProgram(t, cmd)}
}

// operatorOf returns the address of a hub's pages for the operator.
func operatorOf(log *logTap) string {
	return strings.TrimPrefix(log.want("listening for the operator")["url"].(string), "http://")
}

// query decodes the response to a query and reports whether it was accepted.
func (p runningPrometheus) query(expr string, to any) bool {
	return readJSON(p.url+"/api/v1/query?query="+url.QueryEscape(expr), to)
}

// series returns the labels of each series that a query selects, none if Prometheus does not answer.
func (p runningPrometheus) series(expr string) (labels []map[string]string) {
	var found struct {
		Data struct {
			Result []struct{ Metric map[string]string }
		}
	}
	p.query(expr, &found)
	for _, r := range found.Data.Result {
		labels = append(labels, r.Metric)
	}
	return labels
}

// evaluated is a rule as Prometheus has evaluated it.
type evaluated struct {
	Name, Health, LastError string
	LastEvaluation          time.Time
	Alerts                  []any
}

// rules returns all rules, or none if Prometheus does not answer.
func (p runningPrometheus) rules() (all []evaluated) {
	var found struct {
		Data struct {
			Groups []struct{ Rules []evaluated }
		}
	}
	if !readJSON(p.url+"/api/v1/rules", &found) {
		return nil
	}
	for _, g := range found.Data.Groups {
		all = append(all, g.Rules...)
	}
	return all
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
