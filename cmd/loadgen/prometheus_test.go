package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/export"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// startPrometheus starts a Prometheus that receives remote writes, and returns its URL. It skips
// the test if Prometheus is not installed.
func startPrometheus(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is not in PATH: apt-get install prometheus")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0", "--web.enable-remote-write-receiver")
	log, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	address, ended := make(chan string, 1), make(chan struct{})
	go followPrometheus(bufio.NewScanner(log), address, ended)
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	select {
	case a := <-address:
		return "http://" + a
	case <-ended:
		t.Fatal("prometheus ended")
	case <-time.After(time.Minute):
		t.Fatal("prometheus is not ready")
	}
	return ""
}

// followPrometheus reads a log, and sends the address once the server is ready.
func followPrometheus(log *bufio.Scanner, address chan<- string, ended chan<- struct{}) {
	listens, found := regexp.MustCompile(`msg="Listening on".* address=(\S+)`), ""
	for log.Scan() {
		if m := listens.FindStringSubmatch(log.Text()); m != nil {
			found = m[1]
		}
		if strings.Contains(log.Text(), "Server is ready to receive web requests") {
			address <- found
		}
	}
	close(ended)
}

// query returns the series of an instant query, by their labels as JSON, without those of the run.
func query(t *testing.T, prometheus, expr string) map[string]float64 {
	t.Helper()
	a, err := http.Get(prometheus + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	var body struct {
		Error string
		Data  struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.NewDecoder(a.Body).Decode(&body); err != nil || body.Error != "" {
		t.Fatalf("%s: %v %s", expr, err, body.Error)
	}
	m := map[string]float64{}
	for _, r := range body.Data.Result {
		v, err := strconv.ParseFloat(r.Value[1].(string), 64)
		if err != nil {
			t.Fatal(err)
		}
		m[labelText(t, r.Metric)] = v
	}
	return m
}

func labelText(t *testing.T, labels map[string]string) string {
	t.Helper()
	b, err := json.Marshal(labels)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What Prometheus has after a run is what the report says, and every panel of the dashboard shows
// something.
func TestPrometheus(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a hub, and runs it beside Prometheus")
	}
	t.Parallel()
	prometheus, dir := startPrometheus(t), t.TempDir()
	var stdout, stderr bytes.Buffer
	args := []string{"signal", "--peers=60", "--rate=80", "--duration=3s", "--seed=0x5eed", "--push-every=200ms", "--fail=misrouted==0", "--remote-write=" + prometheus, "--report=" + dir}
	if code := run(t.Context(), args, nil, &stdout, &stderr); code != exitPassed && code != exitInconclusive {
		t.Fatalf("code %d\n%s\n%s", code, stdout.String(), stderr.String())
	}
	f, err := os.Open(filepath.Join(dir, "loadgen.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := report.ReadResult(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Pushes) != 1 || r.Pushes[0].Failed != 0 || r.Pushes[0].Samples < 5 {
		t.Fatalf("%+v\n%s", r.Pushes, stderr.String())
	}
	got := query(t, prometheus, `{run="0x5eed"}`)
	want := export.Final(time.Now(), &r)
	want.Each(func(name string, labels []export.Label, v float64) {
		all := map[string]string{"__name__": name, "job": "loadgen"}
		for _, l := range labels {
			all[l.Name] = l.Value
		}
		if have, ok := got[labelText(t, all)]; !ok || have != v {
			t.Errorf("%s is %v in Prometheus (there: %v), %v in the report", labelText(t, all), have, ok, v)
		}
	})
	for name, n := range query(t, prometheus, `count_over_time(loadgen_connections_total{run="0x5eed"}[5m])`) {
		if int(n) != r.Pushes[0].Samples {
			t.Errorf("%s has %v samples, want %d", name, n, r.Pushes[0].Samples)
		}
	}
	for name, n := range query(t, prometheus, `max_over_time(loadgen_connected_peers{run="0x5eed"}[5m])`) {
		if n < 1 || n > 60 {
			t.Errorf("%s was %v at most, of 60 peers", name, n)
		}
	}
	showsPanels(t, prometheus, r.Verdict.Run.Target)
}

// showsPanels asks for what each panel of the dashboard shows.
func showsPanels(t *testing.T, prometheus, target string) {
	t.Helper()
	for _, q := range readDashboard(t).queries(t) {
		expr := strings.NewReplacer("$run", "0x5eed", "$target", target, "$__rate_interval", "5m").Replace(q)
		if len(query(t, prometheus, expr)) == 0 {
			t.Errorf("the dashboard shows nothing for %s", expr)
		}
	}
}

// dashboard is a dashboard of Grafana, as far as it is checked.
type dashboard struct {
	Templating struct{ List []struct{ Name, Type string } }
	Panels     []struct {
		ID         int
		Title      string
		Datasource struct{ UID string }
		Targets    []struct {
			Datasource struct{ UID string }
			Expr       string
		}
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	b, err := os.ReadFile("grafana.json")
	var d dashboard
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// queries returns the queries of all panels.
func (d dashboard) queries(t *testing.T) []string {
	t.Helper()
	var list []string
	for i, p := range d.Panels {
		if p.ID != i+1 || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("panel %d, %q: id %d, %d queries, data source %s", i+1, p.Title, p.ID, len(p.Targets), p.Datasource.UID)
		}
		for _, q := range p.Targets {
			list = append(list, q.Expr)
		}
	}
	return list
}

// The dashboard shows all metrics that exist, and none besides.
func TestDashboard(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	exist, shown := map[string]bool{}, map[string]bool{}
	for _, m := range export.Metrics() {
		exist[m.Name] = true
		if m.Kind == export.Histogram {
			exist[m.Name+"_bucket"] = true
		}
	}
	names := regexp.MustCompile(`loadgen_[a-z_]+`)
	for _, q := range d.queries(t) {
		for _, name := range names.FindAllString(q, -1) {
			if shown[strings.TrimSuffix(name, "_bucket")] = true; !exist[name] {
				t.Errorf("there is no metric %s, which the dashboard shows", name)
			}
		}
	}
	for _, m := range export.Metrics() {
		if !shown[m.Name] {
			t.Errorf("the dashboard does not show %s", m.Name)
		}
	}
	var variables []string
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name)
	}
	if fmt.Sprint(variables) != "[datasource target run]" {
		t.Errorf("the variables are %v", variables)
	}
}
