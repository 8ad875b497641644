package report

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// A threshold is broken when nothing that follows can make it hold, and not before. In the
// sample 101 offers took 0 to 100 ms.
func TestBroken(t *testing.T) {
	t.Parallel()
	r := sampleResult()
	for _, tt := range []struct {
		text string
		most int64
		want bool
	}{
		{"lost==0", 0, true}, {"lost<=2", 0, false}, {"lost==5", 0, false}, {"lost<2", 0, true}, {"lost!=2", 0, false},
		{"lost<0.1%", 0, false}, // of more messages it may be less
		{"lives>=200", 0, false}, {"lives<100", 0, true}, {"errors==0", 0, true}, {"connections<=39", 0, true}, {"connections>50", 0, false},
		{"max(offer)<90ms", 0, true}, {"max(offer)<110ms", 0, false}, {"count(offer)<=100", 0, true}, {"count(offer)>=102", 0, false},
		{"rate(offer)>11", 101, false}, {"max(ping)<1ms", 0, false},
		{"p50(offer)<45ms", 101, true}, {"p50(offer)<45ms", 150, false}, {"p50(offer)<45ms", 0, false},
		// More than 1 % of 4,000 took longer than 50 ms, and less than 1 % of 6,000.
		{"p99(offer)<50ms", 4000, true}, {"p99(offer)<50ms", 6000, false}, {"p99(offer.service)<50ms", 101, false},
		{"mean(offer)<40ms", 101, true}, {"mean(offer)<40ms", 200, false},
		{"peak(rss)<4MB", 0, true}, {"peak(rss)<6MB", 0, false}, {"peak(rss)>6MB", 0, false}, {"peak(other)<1", 0, false},
		{"figure(recovered)<3", 0, true}, {"figure(recovered)>3", 0, true}, {"figure(recovered)<=4", 0, false}, {"figure(reconnected)<3", 0, false},
		{"leak==none", 0, false}, {"retained(peers)<7", 0, false},
	} {
		if j, got := Broken(parsedThreshold(t, tt.text), r, tt.most); got != tt.want {
			t.Errorf("%s of at most %d: broken is %t, want %t (%s)", tt.text, tt.most, got, tt.want, j)
		}
	}
	r.Timing.Outcome = verdict.Inconclusive
	if j, broken := Broken(parsedThreshold(t, "max(offer)<90ms"), r, 0); broken {
		t.Errorf("a saturated generator broke %s", j)
	}
}

// Of a run that was cut short no threshold holds, and all forms say what ended it.
func TestCutShortForms(t *testing.T) {
	t.Parallel()
	r := fullResult(t)
	for text, want := range map[string]verdict.Outcome{
		"lost==0": verdict.Failed, "max(offer)<50ms": verdict.Failed, "max(offer)<1h": verdict.Inconclusive, "count(offer)>=1000": verdict.Inconclusive,
		"p99(ping)<1h": verdict.Inconclusive, "leak==none": verdict.Inconclusive,
	} {
		if j := r.CutShort.Judge(parsedThreshold(t, text), r); j.Outcome != want {
			t.Errorf("%s is %s, want %s", text, j.Outcome, want)
		}
	}
	run := verdict.Run{Name: "loadgen", Lives: 9, Thresholds: []verdict.Threshold{r.CutShort.Judge(r.Plan.Fail[0], r)}, Detectors: r.Verdict.Detectors}
	r.Verdict = verdict.Judge(run)
	forms := write(t, r)
	for _, name := range []string{"text", "index.html", "verdict.md", "junit.xml", "loadgen.json"} {
		text, ok := forms[name]
		if !ok {
			t.Fatalf("no form %s; there are %d", name, len(forms))
		}
		if !strings.Contains(text, "12.3") || !strings.Contains(text, "lost==0") {
			t.Errorf("%s does not say that lost==0 ended the run at second 12.3", name)
		}
	}
}
