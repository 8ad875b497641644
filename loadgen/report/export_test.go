package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/dial"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/preflight"
)

// fullResult is a result with something in every part, some of it chosen by a target
// or a peer that means ill.
func fullResult(t *testing.T) *Result {
	t.Helper()
	const evil = `</svg><script>alert(1)</script> | "x' ` + "`y`"
	r := sampleResult()
	planned := plan.Plan{Name: "check", Phases: []plan.Phase{
		{Profile: "check", Peers: 5000, Rate: 400, Duration: 5 * time.Minute, Networks: 20, Params: map[string]string{"stay": "300ms"}},
	}}
	planned.Seed, planned.Fail, planned.Text = 7, []plan.Threshold{parsedThreshold(t, "lost==0")}, &codec.Text{URL: "/{id}", First: "hi", Message: "m", Reply: "m", Answers: []string{"2=3"}, Turns: true, Binary: true}
	planned.Codec, planned.Connection = "text", dial.Options{Headers: []string{"A: ..."}, Cookies: []string{"a=..."}, Subprotocols: []string{"s"}, CA: "ca.pem", Insecure: true, ServerName: "n"}
	r.Ignored, r.Withheld, r.Instead = 1, 2, evil
	r.Schema, r.Plan, r.Environment, r.Hops = SchemaVersion, planned, EnvironmentOf("ws://127.0.0.1:1"), r.Latencies.Summaries()
	r.Environment.Version, r.Environment.Commit = "v1", "abc"
	r.Environment.Limits = preflight.Limits{Descriptors: 1024, Ports: 28000, Conntrack: 9, Memory: 1 << 30}
	r.Figures = []Figure{{Profile: "drain", Name: evil, Value: 1.5, Unit: "s", Text: "1.5s"}}
	r.Capacities = []Capacity{{Of: "peers", Hop: "candidate", Limits: []string{"lost==0"}, Most: 500, Held: 100, Broke: 200, By: ByTarget, Why: evil, Levels: []Level{
		{Level: 100, P50: 1e6, P99: 2e6, Slip99: 1e6}, {200, ByTarget, evil, 2e6, 9e8, 1e6}}}}
	r.Generator = Generator{MemoryFirst: 20e6, MemoryLast: 26e6, MemoryPeak: 28e6, Busy: .3, Busiest: 1.2, Lag99: time.Millisecond, LagMost: 3 * time.Millisecond}
	r.CutShort = &CutShort{Threshold: "lost==0", Actual: "2", Seconds: 12.34}
	r.Pushes = []Push{{To: "remote write http://127.0.0.1:9090/api/v1/write", Samples: 9, Lost: 1, Pushes: 10, Failed: 2, Error: evil}}
	r.Errors[evil] = 3
	r.Timing.Why = "99 % of the actions began within 1ms of their time"
	r.Timeline.Add(3, map[string]float64{TargetColumn(evil): 4, ColumnLives: 99, "count offer": 101, "p50 offer": 50, "p99 offer": 99},
		[]string{TargetColumn(evil), ColumnLives, "count offer", "p50 offer", "p99 offer"})
	r.Timeline.Add(4, map[string]float64{TargetColumn(evil): 9}, nil)
	r.Timeline.Spans = []Span{{0, 4, SpanPhase, "check"}, {1, 2, SpanOn, ""}, {2, 3, SpanOff, ""}}
	run := verdict.Run{Name: "loadgen check", Target: evil, Command: "loadgen check", Seed: 7, Lives: 100, Start: time.Unix(1e9, 0), Duration: 4 * time.Second,
		Detectors: []verdict.Detector{{Name: "health", State: verdict.Ready, Aside: true}}}
	for _, th := range planned.Fail {
		run.Thresholds = append(run.Thresholds, JudgeThreshold(th, r, &verdict.Verdict{}))
	}
	r.Verdict = verdict.Judge(run)
	return r
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for url, text := range map[string][]byte{"https://github.com/pigeonhub/pigeonhub/loadgen/schema.json": Schema, "https://github.com/pigeonhub/pigeonhub/harness/verdict/schema.json": report.Schema} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err == nil {
			err = c.AddResource(url, doc)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("https://github.com/pigeonhub/pigeonhub/loadgen/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What is written is as the schema says, and can be read again.
func TestSchema(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	for name, r := range map[string]*Result{"full": fullResult(t), "bare": {Schema: SchemaVersion, Latencies: latency.NewHistograms(), Hops: map[string]latency.Summary{},
		Plan: plan.Plan{Phases: []plan.Phase{{Profile: "ramp", Rate: 1}}}, Timing: TimingOf(latency.NewTimes()), Environment: EnvironmentOf(""), Verdict: verdict.Judge(verdict.Run{}),
		Timeline: Timeline{Seconds: []float64{}, Columns: []Column{}}}} {
		var b bytes.Buffer
		if err := r.WriteJSON(&b); err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
		if err == nil {
			err = s.Validate(doc)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		again, err := ReadResult(&b)
		if err != nil || !reflect.DeepEqual(again.Hops, r.Hops) || !again.Latencies.Slip.Equal(r.Latencies.Slip) ||
			again.Latencies.Hops[latency.HopOffer].Latency.Quantile(.9) != r.Latencies.Hops[latency.HopOffer].Latency.Quantile(.9) {
			t.Errorf("%s: what was written reads as another: %v", name, err)
		}
	}
}

// A new part of a result has to be in the one that the schema is tested with.
func TestFullResultIsFull(t *testing.T) {
	t.Parallel()
	for field, value := range reflect.ValueOf(fullResult(t)).Elem().Fields() {
		if value.IsZero() {
			t.Errorf("it has no %s", field.Name)
		}
	}
}

// The schema refuses unknown and missing fields, so a new field must be added to it.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	for name, change := range map[string]func(map[string]any){
		"a new field":       func(m map[string]any) { m["more"] = 1 },
		"a missing one":     func(m map[string]any) { delete(m, "hops") },
		"in a summary":      func(m map[string]any) { m["hops"].(map[string]any)["offer"].(map[string]any)["p95"] = 1 },
		"a text for number": func(m map[string]any) { m["sent"] = "1" },
		"in the verdict":    func(m map[string]any) { m["verdict"].(map[string]any)["outcome"] = "fine" },
		"in the limits":     func(m map[string]any) { m["environment"].(map[string]any)["limits"].(map[string]any)["x"] = 1 },
	} {
		b, err := json.Marshal(fullResult(t))
		var m map[string]any
		if err == nil {
			err = json.Unmarshal(b, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		if change(m); s.Validate(m) == nil {
			t.Errorf("the schema takes %s", name)
		}
	}
	if _, err := ReadResult(strings.NewReader(`{"schema": 99}`)); err == nil || !strings.Contains(err.Error(), "99") {
		t.Errorf("got %v, want an error that names the version", err)
	}
}

// The page is one file that loads nothing, and what came from outside is text in it.
func TestPage(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := fullResult(t).WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"lost==0", "Latency, from the intended time", "service time, p99", "Load over time", "The target over time", "block with peers",
		"misrouted", "1.5s", "Environment", "28,000 an address", "loadgen check</code>"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if m := regexp.MustCompile(`(?i)<script|<link|<img|@import|(src|href)=|url\(|NaN|Inf\b`).FindString(text); m != "" {
		t.Errorf("the page has %q", m)
	}
	checkTags(t, text)
}

// checkTags checks that every element of the plots is closed.
func checkTags(t *testing.T, text string) {
	t.Helper()
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1) {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, svg)
			}
		}
	}
}

// The other files of a report have what they should.
func TestReportFiles(t *testing.T) {
	t.Parallel()
	r, dir := fullResult(t), t.TempDir()
	if err := r.WriteReport(dir); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	rows, err := csv.NewReader(strings.NewReader(read("timeline.csv"))).ReadAll()
	if err != nil || len(rows) != 1+len(r.Timeline.Seconds) || rows[1][1] != "check" || rows[1][2] != SpanOn || rows[1][3] != "40" || rows[3][3] != "" {
		t.Errorf("timeline.csv: %v, %v", rows, err)
	}
	rows, err = csv.NewReader(strings.NewReader(read("latencies.csv"))).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][0] != "offer" || rows[1][1] != "101" || len(rows[0]) != len(rows[1]) {
		t.Errorf("latencies.csv: %v, %v", rows, err)
	}
	if hgrm := read("hgrm/offer.hgrm"); !strings.Contains(hgrm, "1/(1-Percentile)") || !strings.Contains(hgrm, "#[Max     =      100.0") {
		t.Errorf("offer.hgrm: %s", hgrm)
	}
	if md := read("verdict.md"); !strings.Contains(md, "| offer | 101 |") || !strings.Contains(md, "| `lost==0` | ❌ failed | 2 |") || !strings.Contains(md, "| 1000 | 998 |") {
		t.Errorf("verdict.md: %s", md)
	}
	if junit := read("junit.xml"); !strings.Contains(junit, `classname="loadgen check.threshold" name="lost==0"`) || !strings.Contains(junit, `message="lost==0: 2"`) {
		t.Errorf("junit.xml: %s", junit)
	}
}
