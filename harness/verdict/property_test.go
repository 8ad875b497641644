package verdict_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// randomRun is any run that detectors might hand in, sensible or not.
func randomRun(rng *rand.Rand) verdict.Run {
	r := sampleRun()
	if rng.IntN(5) == 0 {
		r.Cycles = r.Cycles[:rng.IntN(3)]
	}
	if rng.IntN(8) == 0 {
		r.Scenarios = r.Scenarios[:rng.IntN(len(r.Scenarios))]
	}
	for range rng.IntN(9) {
		r.Findings = append(r.Findings, randomFinding(rng, len(r.Cycles)))
	}
	for i := range r.Detectors {
		if rng.IntN(12) == 0 {
			r.Detectors[i].State = []verdict.State{verdict.Missing, verdict.Off, ""}[rng.IntN(3)]
		}
	}
	if rng.IntN(4) == 0 {
		r.Known = append(r.Known, verdict.Rule{Type: pick(rng, "*hub.session", "*", "x"), Reason: "known", Expires: r.Start.Add(time.Duration(rng.IntN(100)-50) * 24 * time.Hour)})
	}
	if rng.IntN(4) == 0 {
		list := blocks("rst", rng.IntN(30), 500, rng.NormFloat64())
		r.Trends = append(r.Trends, verdict.Test(verdict.Question{Series: "heap", Scenario: "rst", Unit: pick(rng, "", verdict.Bytes), Strict: rng.IntN(2) == 0}, list))
	}
	if rng.IntN(6) == 0 {
		r.Series = append(r.Series, verdict.Series{Name: "odd", Points: []verdict.Point{{Value: math.NaN()}, {Value: math.Inf(1)}, {Value: -1}}}, verdict.Series{Name: "empty"})
	}
	return r
}

func pick(rng *rand.Rand, words ...string) string { return words[rng.IntN(len(words))] }

func randomFinding(rng *rand.Rand, cycles int) verdict.Finding {
	classes := []verdict.Class{verdict.Goroutine, verdict.Object, verdict.Collection, verdict.Descriptor, verdict.Unclosed, verdict.Timer,
		verdict.Subscription, verdict.Gauge, verdict.Invariant, verdict.CPU}
	f := verdict.Finding{
		Detector: pick(rng, "watch", "census", "sites", "goroutines", "descriptors", "unheard of"),
		Class:    classes[rng.IntN(len(classes))],
		Type:     pick(rng, "", "", "*hub.session", "*hub.network", "[]uint8"),
		Field:    pick(rng, "", "", "hub.Hub.peers", "hub.Hub.networks[*].members", "a\x00b"),
		Bytes:    rng.Int64N(3) * rng.Int64N(1_000_000),
	}
	if rng.IntN(2) == 0 {
		f.Born = verdict.Site{Function: pick(rng, "", "hub.a", "hub.b"), File: pick(rng, "", "/src/pigeonhub/hub/a.go", "/usr/go/x.go"), Line: 1 + rng.IntN(3)}
	}
	if rng.IntN(3) == 0 {
		path("hub.Hub", "networks", "map", fmt.Sprintf(`["%d"]`, rng.Int()), "*hub.network", pick(rng, "members", "hubs"))(&f)
	}
	if rng.IntN(3) > 0 {
		f.PerCycle = of(rng.Int64N(3), names[rng.IntN(len(names))])
		for k := range f.PerCycle {
			f.PerCycle[k] += rng.Int64N(4) - 1
			f.Count += f.PerCycle[k]
		}
		if len(f.PerCycle) > cycles && rng.IntN(10) > 0 {
			f.PerCycle = f.PerCycle[:cycles]
		}
	} else {
		f.Count = rng.Int64N(5000) - 100
	}
	if rng.IntN(5) == 0 {
		f.PerScenario = map[string]int64{names[rng.IntN(len(names))]: max(0, f.Count)}
	}
	return f
}

func TestProperties(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 6))
		r := randomRun(rng)
		before := fmt.Sprintf("%+v", r)
		v := verdict.Judge(r)
		if after := fmt.Sprintf("%+v", r); after != before {
			t.Fatalf("seed %d: Judge has changed the run", seed)
		}
		for _, wrong := range violations(r, v) {
			t.Errorf("seed %d: %s", seed, wrong)
		}
		if seed%10 == 0 {
			wellFormed(t, seed, v)
		}
		rng.Shuffle(len(r.Findings), func(i, j int) { r.Findings[i], r.Findings[j] = r.Findings[j], r.Findings[i] })
		if a, b := verdict.Judge(r), v; a.Outcome != b.Outcome || fmt.Sprint(fingerprints(a)) != fmt.Sprint(fingerprints(b)) {
			t.Errorf("seed %d: in another order it is %s %v, and was %s %v", seed, a.Outcome, fingerprints(a), b.Outcome, fingerprints(b))
		}
		if t.Failed() {
			return
		}
	}
}

func fingerprints(v verdict.Verdict) []string {
	var list []string
	for _, l := range slices.Concat(v.Leaks, v.Doubtful) {
		list = append(list, l.Fingerprint)
	}
	for _, k := range v.Known {
		list = append(list, k.Leak.Fingerprint)
	}
	slices.Sort(list)
	return list
}

// violations says what may never be.
func violations(r verdict.Run, v verdict.Verdict) (wrong []string) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	told := slices.Concat(v.Leaks, v.Doubtful)
	for _, k := range v.Known {
		told = append(told, k.Leak)
	}
	shown := 0
	for _, l := range told {
		shown += len(l.Evidence)
		if len(l.Evidence) == 0 || len(l.Fingerprint) != 32 || l.Peers <= 0 || l.Bytes < 0 {
			bad("a leak without evidence, fingerprint or peers: %+v", l)
		}
		if math.IsNaN(l.BytesPerDay+l.CountPerDay+l.Source.PerPeer) || math.IsInf(l.BytesPerDay+l.CountPerDay, 0) {
			bad("a figure that is no number: %+v", l)
		}
		if !slices.ContainsFunc(l.Evidence, func(e verdict.Evidence) bool { return e.Principal }) {
			bad("nobody tells the leak: %+v", l)
		}
		for _, s := range l.Source.Shares {
			if slices.Contains(v.NotLeaking, s.Scenario) {
				bad("%s leaks and does not", s.Scenario)
			}
		}
	}
	counted := 0
	for _, f := range r.Findings {
		if f.Count > 0 || f.Bytes > 0 || f.Class == verdict.Gauge || f.Class == verdict.Invariant || f.Class == verdict.CPU {
			counted++
		}
	}
	if shown < counted {
		bad("%d findings, and %d are evidence", counted, shown)
	}
	missing := slices.ContainsFunc(r.Detectors, func(d verdict.Detector) bool { return d.State == verdict.Missing || d.State == "" })
	switch {
	case missing && v.Outcome != verdict.Invalid:
		bad("a detector is missing and the outcome is %s", v.Outcome)
	case v.Outcome == verdict.Pass && len(v.Leaks)+len(v.Doubtful)+len(v.Invalid)+len(v.Doubts) > 0:
		bad("it passes with %d leaks", len(v.Leaks))
	case v.Outcome == verdict.Invalid && len(v.Invalid) == 0:
		bad("it is invalid, and does not say why")
	case v.Outcome == verdict.Invalid && slices.ContainsFunc(v.Invalid, func(x verdict.Reason) bool { return x.What == "" }):
		bad("it is invalid for no reason")
	}
	return wrong
}

func wellFormed(t *testing.T, seed uint64, v verdict.Verdict) {
	t.Helper()
	for _, f := range verdict.Formats() {
		var b bytes.Buffer
		if err := f.Write(&b, v); err != nil {
			t.Errorf("seed %d: %s: %v", seed, f.File, err)
		}
		var err error
		switch {
		case f.File == "verdict.json":
			for _, wrong := range invalidJSON(b.Bytes()) {
				t.Errorf("seed %d: %s", seed, wrong)
			}
		case strings.HasSuffix(f.File, ".sarif"):
			err = json.Unmarshal(b.Bytes(), new(any))
		case strings.HasSuffix(f.File, ".xml"):
			d := xml.NewDecoder(&b)
			for err == nil {
				_, err = d.Token()
			}
			if err == io.EOF {
				err = nil
			}
		}
		if err != nil {
			t.Errorf("seed %d: %s: %v", seed, f.File, err)
		}
	}
}
