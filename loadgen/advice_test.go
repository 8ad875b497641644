package loadgen

import (
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// An undecided series is advised the flags that decide it, and the time that takes.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		e    *experiment
		more int64
		want string
	}{
		"some more peers": {&experiment{phaseRun: &phaseRun{Phase: checkProfile().phase}, pairs: 10}, 1000, "1,000 peers more would decide: again with --peers 6000 --rate 400 (about 2 min)"},
		"many more peers": {&experiment{phaseRun: &phaseRun{Phase: checkProfile().phase}, pairs: 10}, 300_000, "--peers 305000 --rate 1271 --duration 10m0s (about 6 min)"},
		"a soak":          {&experiment{phaseRun: &phaseRun{Phase: soakProfile().phase}, lasting: true}, 15_000, "--duration 4h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.e.trends = []verdict.Trend{{Outcome: verdict.Inconclusive, Peers: 5000, More: tt.more}, {Outcome: verdict.None}}
			tt.e.advise()
			if got := tt.e.trends[0].Advice(); !strings.Contains(got, tt.want) || tt.e.trends[1].Again != "" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	e := &experiment{phaseRun: &phaseRun{Phase: checkProfile().phase}, pairs: 10, blocks: []block{{at: time.Minute}}}
	if got := e.longer(); got != "again with --duration 20m0s" {
		t.Errorf("got %q", got)
	}
}

// The process of a target on this machine is found by its port, and its pages by its others.
func TestLookInside(t *testing.T) {
	t.Parallel()
	url := (&toyHub{}).start(t)
	operator := httptest.NewServer(&toyHub{})
	defer operator.Close()
	port, theirs := portOf(t, url), portOf(t, operator.URL)
	if pid, others := listener(port); runtime.GOOS == "linux" && (pid != os.Getpid() || !slices.Contains(others, theirs)) {
		t.Errorf("process %d listens at %d and %v", pid, port, others)
	}
	if got := pagesAt(t.Context(), []int{theirs}); got != " --page "+operator.URL {
		t.Errorf("got %q", got)
	}
	if got := lookInside(t.Context(), "ws://192.0.2.1:80"); !strings.Contains(got, "--pid ID") {
		t.Errorf("another machine: %q", got)
	}
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, text, _ := strings.Cut(address, "127.0.0.1:")
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
