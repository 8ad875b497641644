package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const rulesFile = "deploy/prometheus/rules.yml"

// rule is one entry of the rules file.
type rule struct {
	Alert, Record, Expr string
	Labels, Annotations map[string]string
}

func alertRules(t *testing.T) (rules []rule) {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []rule }
	}
	if err := yaml.Unmarshal(readFile(t, rulesFile), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		rules = append(rules, g.Rules...)
	}
	return rules
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Each alert fires when it must and not just below, by the tests that promtool runs.
func TestAlertsFire(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("promtool takes seconds")
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not in PATH: apt-get install prometheus")
	}
	for _, args := range [][]string{
		{"check", "config", "prometheus.yml"},
		{"check", "rules", "--lint=all", "--lint-fatal", "rules.yml"},
		{"test", "rules", "rules_test.yml", "drift_test.yml"},
	} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = "deploy/prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// Each alert has a test that expects it, a severity, and an entry in the operator's guide.
func TestAlertsAreExplained(t *testing.T) {
	t.Parallel()
	tests := string(readFile(t, "deploy/prometheus/rules_test.yml")) + string(readFile(t, "deploy/prometheus/drift_test.yml"))
	guide := strings.ToLower(string(readFile(t, "OPERATING.md")))
	for _, r := range alertRules(t) {
		if r.Alert == "" {
			continue
		}
		if !strings.Contains(tests, `alertname="`+r.Alert+`"`) {
			t.Errorf("no test expects %s", r.Alert)
		}
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s has severity %q", r.Alert, s)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s lacks a summary or a description", r.Alert)
		}
		if !strings.Contains(guide, strings.ToLower(r.Alert)) {
			t.Errorf("OPERATING.md does not name %s", r.Alert)
		}
		anchor, ok := strings.CutPrefix(r.Annotations["runbook"], "OPERATING.md#")
		if !ok || !strings.Contains(guide, "\n#### "+anchor+"\n") {
			t.Errorf("the runbook of %s is %q, which OPERATING.md lacks", r.Alert, r.Annotations["runbook"])
		}
	}
}

// Rules and dashboard use metrics and label values that a hub has.
func TestWatchedMetricsExist(t *testing.T) {
	t.Parallel()
	exprs := dashboardQueries(t)
	recorded := make(map[string]bool)
	for _, r := range alertRules(t) {
		exprs = append(exprs, r.Expr)
		recorded[r.Record] = true
	}
	exposed := scrape(t)
	name, matchers := regexp.MustCompile(`\b(?:instance:)?(?:pigeonhub|go|process)_[a-z0-9_:]+`), regexp.MustCompile(`^{([^}]*)}`)
	for _, expr := range exprs {
		found := name.FindAllStringIndex(expr, -1)
		for _, at := range found {
			metric := expr[at[0]:at[1]]
			if !recorded[metric] && !exposed[metric] {
				t.Errorf("a hub has no metric %s, named in %s", metric, expr)
			}
			if m := matchers.FindStringSubmatch(expr[at[1]:]); m != nil {
				wantLabels(t, exposed, metric, m[1])
			}
		}
		if len(found) == 0 && !strings.HasPrefix(expr, "up{") {
			t.Errorf("no metric found in %s", expr)
		}
	}
}

// wantLabels asserts that a metric has the values that matchers name. Prometheus adds job
// and instance.
func wantLabels(t *testing.T, exposed map[string]bool, metric, matchers string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(\w+)=~?"([^"]*)"`).FindAllStringSubmatch(matchers, -1) {
		if m[1] == "job" || m[1] == "instance" {
			continue
		}
		for value := range strings.SplitSeq(m[2], "|") {
			if series := metric + `{` + m[1] + `="` + value + `"}`; !exposed[series] {
				t.Errorf("a hub has no series %s", series)
			}
		}
	}
}

// scrape returns the names of the metrics of a hub that speaks TLS, and its series.
func scrape(t *testing.T) map[string]bool {
	t.Helper()
	cert, key := writeCertificate(t, "hub.example")
	r := start(t, "--tls-cert="+cert, "--tls-key="+key)
	operator := r.log.want("listening for the operator")["url"].(string)
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(operator + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("/metrics: %s, %v", res.Status, err)
	}
	exposed := make(map[string]bool)
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		series, _, _ := strings.Cut(line, " ")
		metric, _, _ := strings.Cut(series, "{")
		exposed[series], exposed[metric] = true, true
	}
	return exposed
}

// dashboardQueries returns the queries of the dashboard. Its panels take the data source
// from the variable.
func dashboardQueries(t *testing.T) (exprs []string) {
	t.Helper()
	type source struct{ UID string }
	var board struct {
		Templating struct{ List []struct{ Name, Type string } }
		Panels     []struct {
			ID         int
			Title      string
			Datasource source
			Targets    []struct {
				Datasource source
				Expr       string
			}
		}
	}
	if err := json.Unmarshal(readFile(t, "deploy/grafana/pigeonhub.json"), &board); err != nil {
		t.Fatal(err)
	}
	variables := board.Templating.List
	if !slices.ContainsFunc(variables, func(v struct{ Name, Type string }) bool { return v.Name == "datasource" && v.Type == "datasource" }) {
		t.Errorf("the variables are %v, want a data source", variables)
	}
	for i, p := range board.Panels {
		if p.ID != i+1 || len(p.Targets) == 0 {
			t.Errorf("panel %d, %q, has id %d and %d queries", i+1, p.Title, p.ID, len(p.Targets))
		}
		for _, target := range p.Targets {
			exprs = append(exprs, target.Expr)
			if p.Datasource.UID != "${datasource}" || target.Datasource.UID != "${datasource}" {
				t.Errorf("panel %q reads %s and %s, want the variable", p.Title, p.Datasource.UID, target.Datasource.UID)
			}
		}
	}
	return exprs
}
