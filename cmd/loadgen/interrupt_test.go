//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

const interruptedPeers = 150

// interrupted is a run against a hub of the test, under way, with all peers there.
type interrupted struct {
	target *hubtest.Target
	report string
	cmd    *exec.Cmd
}

func newInterrupted(t *testing.T) *interrupted {
	t.Helper()
	target, err := hubtest.Start(hub.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := target.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	r := &interrupted{target: target, report: t.TempDir()}
	r.cmd = exec.Command(os.Args[0], "steady", fmt.Sprintf("--peers=%d", interruptedPeers), "--rate=300", "--duration=10m", "--fail=lost==0", "--report="+r.report, target.URL())
	r.cmd.Env = append(os.Environ(), asProgram+"=1", "TERM=xterm")
	return r
}

// await waits until all peers are there.
func (r *interrupted) await(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); r.target.Hub.Stats().Announced < interruptedPeers; pause(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%+v", r.target.Hub.Stats())
		}
	}
}

func pause(d time.Duration) { <-time.After(d) }

// check checks what is left: an exit code and a report that say that the run could not
// tell, and a hub that every peer has left politely.
func (r *interrupted) check(t *testing.T, text string) {
	t.Helper()
	if code := r.cmd.ProcessState.ExitCode(); code != exitCannotTell || !strings.Contains(text, "the run was interrupted") || !strings.Contains(text, "verdict INVALID") {
		t.Errorf("exit code %d, text %s", code, text)
	}
	var result struct {
		Verdict  struct{ Outcome string }
		Timeline struct{ Seconds []float64 }
	}
	b, err := os.ReadFile(filepath.Join(r.report, "loadgen.json"))
	if err == nil {
		err = json.Unmarshal(b, &result)
	}
	if err != nil || result.Verdict.Outcome != "invalid" || len(result.Timeline.Seconds) == 0 {
		t.Errorf("report %+v: %v", result, err)
	}
	if page, err := os.ReadFile(filepath.Join(r.report, "index.html")); err != nil || !bytes.Contains(page, []byte("the run was interrupted")) {
		t.Errorf("the page does not say that the run was interrupted: %v", err)
	}
	s := r.target.Hub.Stats()
	for end := time.Now().Add(10 * time.Second); s.Sessions > 0 && time.Now().Before(end); s = r.target.Hub.Stats() {
		pause(10 * time.Millisecond)
	}
	polite := s.Ended[wire.ReasonPeerClosed.String()] + s.Ended[wire.ReasonGoodbye.String()]
	if s.Sessions != 0 || polite != s.Accepted || s.Accepted < interruptedPeers {
		t.Errorf("%d sessions are left; of %d peers %d left politely: %v", s.Sessions, s.Accepted, polite, s.Ended)
	}
}

// Ctrl-C, and what a supervisor sends, end a run in order.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			r := newInterrupted(t)
			var stdout, stderr bytes.Buffer
			r.cmd.Stdout, r.cmd.Stderr = &stdout, &stderr
			if err := r.cmd.Start(); err != nil {
				t.Fatal(err)
			}
			r.await(t)
			_ = r.cmd.Process.Signal(sig)
			_ = r.cmd.Wait() // its exit code is looked at
			r.check(t, stdout.String())
			if strings.Contains(stderr.String(), "\x1b") || !strings.Contains(stderr.String(), "all peers are there") {
				t.Errorf("not plain lines: %q", stderr.String())
			}
		})
	}
}

// On a terminal there is a live view until Ctrl-C is typed; then the terminal is as it
// was, with the lines of progress and the report on it.
func TestInterruptOnTerminal(t *testing.T) {
	t.Parallel()
	r := newInterrupted(t)
	master, err := pty.StartWithSize(r.cmd, &pty.Winsize{Rows: 40, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	all := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(master) // it ends with an error when the program does
		all <- b
	}()
	r.await(t)
	pause(4 * time.Second) // of live view
	_, _ = master.WriteString("\x03")
	_ = r.cmd.Wait()
	raw := string(<-all)
	if frames := strings.Count(raw, beginUpdate); frames < 5 || frames != strings.Count(raw, endUpdate) {
		t.Errorf("%d frames begun, %d ended", frames, strings.Count(raw, endUpdate))
	}
	if !strings.Contains(raw, "150 connected") {
		t.Errorf("the live view does not say how the run stands: %q", raw)
	}
	screen := &terminal{width: 200}
	_, _ = screen.Write([]byte(raw))
	if left := screen.text(); strings.Contains(left, "in all") || !strings.Contains(left, "all peers are there") {
		t.Errorf("on the terminal is\n%s", left)
	}
	r.check(t, screen.text())
}

// The live view is coloured, or not, or not there, as one asks.
func TestTerminal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, variable, flag string
		frames, colour       bool // wanted
	}{
		{"as it is", "TERM=xterm", "", true, true},
		{"no colour", "NO_COLOR=1", "", true, false},
		{"no live view", "TERM=xterm", "--no-live", false, false},
		{"dumb", "TERM=dumb", "", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target, err := hubtest.Start(hub.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = target.Stop(context.Background()) }()
			args := []string{"ramp", "--peers=20", "--rate=100", "--duration=1s", "--report=", target.URL()}
			if tt.flag != "" {
				args = append(args, tt.flag)
			}
			cmd := exec.Command(os.Args[0], args...)
			cmd.Env = append(os.Environ(), asProgram+"=1", "TERM=xterm", tt.variable)
			master, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 200})
			if err != nil {
				t.Fatal(err)
			}
			defer master.Close()
			raw, _ := io.ReadAll(master) // it ends with an error when the program does
			_ = cmd.Wait()
			if frames := bytes.Contains(raw, []byte(beginUpdate)); frames != tt.frames {
				t.Errorf("frames: %t, want %t", frames, tt.frames)
			}
			if colour := bytes.Contains(raw, []byte("\x1b["+string(bold)+"m")); colour != tt.colour {
				t.Errorf("colours: %t, want %t", colour, tt.colour)
			}
		})
	}
}
