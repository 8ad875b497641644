//go:build interop && linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// rollingVariable holds how many peers are connected in a restart.
const rollingVariable = "PIGEONHUB_ROLLING"

// Under load a hand-over refuses no attempt to connect, and after either restart all peers are back
// and no message is lost but of peers that were away. The charts of their returns are in the reports
// of loadgen.
func TestInteropRolling(t *testing.T) {
	peers, err := strconv.Atoi(os.Getenv(rollingVariable))
	if err != nil {
		t.Skipf("%s is not a number of peers: it takes a minute", rollingVariable)
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", dir, ".", "../loadgen").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	begin := func(t *testing.T, port int) *child {
		c := &child{T: t, log: newLogTap(t), done: make(chan struct{})}
		c.cmd = exec.Command(filepath.Join(dir, "pigeonhub"), append(loopback, fmt.Sprintf("--port=%d", port), "--drain-window=10s")...)
		c.cmd.Env = []string{} // nothing of ours: no PORT, no GOMEMLIMIT
		c.begin()
		return c
	}
	for _, rolling := range []struct {
		name    string
		restart func(t *testing.T, c *child, port int)
		failed  bool // attempts to connect may fail
	}{
		{"hand-over", func(_ *testing.T, c *child, _ int) { c.signal(syscall.SIGUSR2) }, false},
		{"drain", func(t *testing.T, c *child, port int) {
			c.signal(syscall.SIGTERM)
			<-c.done
			begin(t, port)
		}, true},
	} {
		t.Run(rolling.name, func(t *testing.T) {
			port, report := unusedPort(t), t.ArtifactDir()
			c := begin(t, port)
			load := exec.CommandContext(t.Context(), filepath.Join(dir, "loadgen"), "drain", fmt.Sprintf("--peers=%d", peers),
				fmt.Sprintf("--networks=%d", (peers+9)/10), "--rate=500", "--no-live", "--report="+report, "--fail=lost==0", "ws://"+c.addr)
			said, err := load.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			load.Stderr = load.Stdout // the writing end of the pipe
			if err := load.Start(); err != nil {
				t.Fatal(err)
			}
			for lines := bufio.NewScanner(said); lines.Scan(); {
				t.Log(lines.Text())
				if strings.Contains(lines.Text(), "restart the target now") {
					rolling.restart(t, c, port)
				}
			}
			if err := load.Wait(); err != nil {
				t.Errorf("loadgen: %v", err)
			}
			figures := figuresOf(t, filepath.Join(report, "loadgen.json"))
			for name, want := range map[string]int{"connections ended": peers, "peers back": peers} {
				if got := figures[name]; got != float64(want) {
					t.Errorf("%s: %v, want %d", name, got, want)
				}
			}
			if got := figures["failed"]; got != 0 && !rolling.failed {
				t.Errorf("%v attempts to connect failed", got)
			}
		})
	}
}

// figuresOf returns the figures of a report of loadgen, by name.
func figuresOf(t *testing.T, file string) map[string]float64 {
	t.Helper()
	var report struct {
		Figures []struct {
			Name  string
			Value float64
		}
	}
	if err := json.Unmarshal(readFile(t, file), &report); err != nil {
		t.Fatal(err)
	}
	figures := map[string]float64{}
	for _, f := range report.Figures {
		figures[f.Name] = f.Value
	}
	return figures
}
