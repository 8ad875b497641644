package plan

import (
	"strings"
	"testing"
)

func parsed(t *testing.T, text string) Threshold {
	t.Helper()
	th, err := ParseThreshold(text)
	if err != nil {
		t.Fatal(err)
	}
	return th
}

func TestParseThreshold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"p99(offer)<50ms": 50e6, " p99.9 ( connect.service ) <= 1.5s ": 1.5e9, "max(slip)<1us": 1e3, "mean(ping)>0s": 0,
		"rate(offer)>1000": 1000, "count(answer)>=1e3": 1000, "lost==0": 0, "misrouted<0.1%": 0.1, "errors != 3": 3,
		"leak==none": 0, "leak(rst)!=leak": 0, "retained(go_goroutines)<0.5": .5, "peak(health.memory.rss)<200MB": 200e6,
		`peak(sessions{state="a)b"})<2KiB`: 2048, "connections>=5000": 5000,
		"figure(recovery)<5s": 5, "figure(recovery)<1m30s": 90, "figure(peers back)>=7": 7, "figure(queue)<3MB": 3e6,
	} {
		th := parsed(t, text)
		if th.value != want {
			t.Errorf("%s: value %v, want %v", text, th.value, want)
		}
		if again := parsed(t, th.String()); again != th {
			t.Errorf("%s is written as %s, which is another", text, th)
		}
	}
}

// What is wrong is said, with what there is.
func TestParseThresholdErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "must be a measure", "p99(offer)": "must be a measure", "p99(offer)<": "unit", "p99(offer)=50ms": "must be a measure",
		"p99(offer)<50": "unit", "p99(offer)<-5ms": "unit", "p99(pong)<5ms": "discovery-first", "p99<5ms": "connect",
		"p100(offer)<5ms": "below 100", "p0(offer)<5ms": "above 0", "pnan(offer)<5ms": "below 100", "latency(offer)<5ms": "p99.9",
		"lost(offer)==0": "no argument", "lost()==0": "no argument", "lost==NaN": "not a number", "lost==-1": "not a number", "lost==Inf": "not a number",
		"leak==0": "none or leak", "leak<none": "==", "leak()==none": "leak(rst)", "peak()<5": "series", "peak(a)<5XB": "not a number",
		"retained(a)==0": "interval", "rate(offer)>1000/s": "not a number", "lost==0 && cut==0": "must be a measure", "p99(offer)<50ms x": "unit",
		"figure(recovery)<5 parsecs": "a time such as 5s", "lost==" + strings.Repeat("0", 600): "must be a measure",
	} {
		if _, err := ParseThreshold(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: got %v, want an error with %q", text, err, want)
		}
	}
}

func FuzzParseThreshold(f *testing.F) {
	for _, s := range []string{"p99(offer)<50ms", "lost==0", "leak(rst)==none", `peak(a{b="c"})<2KiB`, "misrouted<0.1%", "p9e1(ping)<1h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		th, err := ParseThreshold(text)
		if err != nil {
			return
		}
		again, err := ParseThreshold(th.String())
		if err != nil || again != th {
			t.Errorf("%q is written as %q, which reads as %+v, %v", text, th, again, err)
		}
	})
}
