//go:build interop && linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// wrongVariable has a hub with the edits of misbehaving keep memory, or miscount.
const (
	wrongVariable = "WRONG"
	keeps         = "keeps"
	miscounts     = "miscounts"
)

// misbehaving are edits of the hub, by file.
var misbehaving = map[string][2]string{
	"hub.go": {"	memberships   int ", "	forgotten map[string][]byte\n	memberships   int "},
	"network.go": {"	h.memberships--\n", `	switch os.Getenv("` + wrongVariable + `") {
	case "` + keeps + `":
		if h.forgotten == nil {
			h.forgotten = map[string][]byte{}
		}
		h.forgotten[string(s.id)] = []byte(strings.Repeat("x", 40<<10))
		h.memberships--
	case "` + miscounts + `":
	default:
		h.memberships--
	}
`},
}

// buildMisbehaving builds the hub with the edits.
func buildMisbehaving(t *testing.T) (binary string) {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for name, edit := range misbehaving {
		path, err := filepath.Abs(filepath.Join("../../hub", name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(readFile(t, path))
		if strings.Count(text, edit[0]) != 1 {
			t.Fatalf("%s has not one %q", name, edit[0])
		}
		text = strings.Replace(text, edit[0], edit[1], 1)
		if strings.Contains(edit[1], "os.") {
			text = strings.Replace(text, "package hub\n", "package hub\n\nimport (\n\"os\"\n\"strings\"\n)\n", 1)
		}
		replace[path] = filepath.Join(dir, name)
		if err := os.WriteFile(replace[path], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(dir, "pigeonhub")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// quickened is by how much Prometheus lives faster than the rules were written for.
const quickened = 1000

// quickRules returns the rules with all durations divided by quickened.
func quickRules(t *testing.T) string {
	t.Helper()
	durations := regexp.MustCompile(`(\[|offset |for: )(\d+[smhd])`)
	return durations.ReplaceAllStringFunc(string(readFile(t, rulesFile)), func(found string) string {
		m := durations.FindStringSubmatch(found)
		d, err := time.ParseDuration(strings.Replace(m[2], "1d", "24h", 1))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s%dms", m[1], max(1, (d/quickened).Milliseconds()))
	})
}

// Under the same churn, a real Prometheus alerts of a hub that keeps memory and of one that
// miscounts, and not of one that does neither, until that restarts.
func TestInteropAlerts(t *testing.T) {
	t.Parallel()
	if os.Getenv("PIGEONHUB_LIVE_ALERTS") == "" {
		t.Skip("PIGEONHUB_LIVE_ALERTS is not set: it takes a minute")
	}
	binary := buildMisbehaving(t)
	begin := func(wrong string, args ...string) *child {
		c := &child{T: t, log: newLogTap(t), done: make(chan struct{})}
		c.cmd = exec.Command(binary, slices.Concat(loopback, []string{"--leak-period=1s", "--memory-limit=200MiB"}, args)...)
		c.cmd.Env = []string{wrongVariable + "=" + wrong}
		c.begin()
		return c
	}
	leaky, wrong, healthy := begin(keeps), begin(miscounts), begin("")
	at := map[string]string{operatorOf(leaky.log): keeps, operatorOf(wrong.log): miscounts}
	operator := operatorOf(healthy.log)
	at[operator] = "healthy"
	p := startPrometheus(t, "250ms", quickRules(t), operatorOf(leaky.log), operatorOf(wrong.log), operator)

	ctx, stop := context.WithCancel(t.Context())
	var churning sync.WaitGroup
	for _, hub := range []*child{leaky, wrong, healthy} {
		churning.Go(func() { churn(ctx, "ws://"+hub.addr) })
	}
	awaitAlerts := func(of string, alerts ...string) {
		t.Helper()
		var fired map[string]bool
		defer func() {
			if t.Failed() {
				t.Logf("the hub that %s: alerts %v, want %v", of, fired, alerts)
			}
		}()
		untilTrueWithin(t, 2*time.Minute, p.ended, func() bool {
			fired = p.fired(at)[of]
			return !slices.ContainsFunc(alerts, func(alert string) bool { return !fired[alert] })
		})
	}
	awaitAlerts(keeps, "PigeonHubLeakSuspected", "PigeonHubMemoryHigh", "PigeonHubHeapDrifts")
	awaitAlerts(miscounts, "PigeonHubInvariantViolated")
	stop()
	churning.Wait()
	if got := p.fired(at)["healthy"]; len(got) > 0 {
		t.Errorf("alerts of a healthy hub: %v", got)
	}
	healthy.signal(os.Interrupt)
	if code := healthy.code(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	begin("", "--admin-address="+operator)
	awaitAlerts("healthy", "PigeonHubRestarted")
	for _, of := range p.series(`pigeonhub_leak_suspected > 0`) {
		t.Logf("the hub that %s suspects %s", at[of["instance"]], of["collection"])
	}
}

// churn lets peers connect, join a network and go, fewer a second than a hub lets in from one
// address, until ctx ends.
func churn(ctx context.Context, url string) {
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for ; ctx.Err() == nil; <-tick.C {
		c, err := wire.Dial(ctx, url, wire.NewPeerID(), nil)
		if err != nil {
			continue // the hub refuses peers when its memory is used up
		}
		c.SetReceiveDeadline(time.Now().Add(patience))
		if _, err := c.Receive(); err == nil {
			_ = c.Announce("n", nil) // fails if the hub has ended the session
		}
		c.Close()
	}
}

// fired returns the alerts that have fired so far, by what the hub of the instance is.
func (p runningPrometheus) fired(at map[string]string) map[string]map[string]bool {
	fired := map[string]map[string]bool{}
	for _, alert := range p.series(`count_over_time(ALERTS{alertstate="firing"}[10m])`) {
		of := at[alert["instance"]]
		if fired[of] == nil {
			fired[of] = map[string]bool{}
		}
		fired[of][alert["alertname"]] = true
	}
	return fired
}
