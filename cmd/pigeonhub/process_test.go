//go:build unix

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// child is a hub in a process of its own.
type child struct {
	*testing.T
	log  *logTap
	addr string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// startChild starts a hub with args added to loopback, and waits until it
// listens. before is a command of the shell that starts it.
func startChild(t *testing.T, before string, args ...string) *child {
	t.Helper()
	return startChildWith(t, nil, before, args...)
}

// startChildWith is startChild for a child that inherits files.
func startChildWith(t *testing.T, files []*os.File, before string, args ...string) *child {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	shell := []string{"-c", before + `exec "$0" "$@"`, program}
	c := &child{T: t, log: newLogTap(t), cmd: exec.Command("/bin/sh", append(append(shell, loopback...), args...)...), done: make(chan struct{})}
	c.cmd.Env = []string{childVariable + "=1"} // nothing of ours: no PORT, no GOMEMLIMIT
	c.cmd.ExtraFiles = files
	c.begin()
	return c
}

// begin starts the process and waits until it listens.
func (c *child) begin() {
	t := c.T
	t.Helper()
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with the processes to which it hands over
	c.cmd.Stdout = c.log
	c.cmd.Stderr = c.log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.done)
		c.cmd.Wait() // its state is looked at by code
	}()
	t.Cleanup(func() {
		syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		<-c.done
	})
	c.addr = c.log.want("listening")["address"].(string)
}

func (c *child) signal(sig os.Signal) {
	c.Helper()
	if err := c.cmd.Process.Signal(sig); err != nil {
		c.Fatal(err)
	}
}

// code waits for the end and returns the exit code.
func (c *child) code() int {
	c.Helper()
	select {
	case <-c.done:
	case <-time.After(patience):
		c.Fatalf("the process does not end; log:\n%s", c.log)
	}
	return c.cmd.ProcessState.ExitCode()
}

func TestSignalsEndInOrder(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			c := startChild(t, "")
			alice, bob := connect(t, "ws://"+c.addr), connect(t, "ws://"+c.addr)
			c.signal(sig)
			wantShutdown(t, alice)
			wantShutdown(t, bob)
			if code := c.code(); code != exitOK {
				t.Errorf("exit code %d, want %d; log:\n%s", code, exitOK, c.log)
			}
			c.log.wantCleanEnd()
		})
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	c := startChild(t, "", "--close-timeout=1m", "--shutdown-timeout=1h")
	connect(t, "ws://"+c.addr) // its half of the close does not come
	c.signal(syscall.SIGTERM)
	c.log.want("hub shutting down")
	began := time.Now()
	c.signal(syscall.SIGTERM)
	if code := c.code(); code != exitFailed {
		t.Errorf("exit code %d, want %d; log:\n%s", code, exitFailed, c.log)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestMissedDeadlineOfAProcess(t *testing.T) {
	t.Parallel()
	c := startChild(t, "", "--close-timeout=1m", "--drain-window=1m", "--shutdown-timeout=100ms")
	connect(t, "ws://"+c.addr)
	c.signal(syscall.SIGTERM)
	if code := c.code(); code != exitForced {
		t.Errorf("exit code %d, want %d; log:\n%s", code, exitForced, c.log)
	}
}

// The reader of the log may end before the hub. The peers still get their close frames.
func TestLogReaderMayEndFirst(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, loopback...)
	cmd.Env = []string{childVariable + "=1"}
	cmd.Stderr = writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	log := newLogTap(t)
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		io.Copy(log, reader)
	}()
	c := connect(t, "ws://"+log.want("listening")["address"].(string))
	log.want("listening for the operator")
	reader.Close()
	<-copied
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	wantShutdown(t, c)
	kill := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer kill.Stop()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the process ends with %v, want exit code 0", err)
	}
}

// The reserve of descriptors holds against everything at once: a hub that is full,
// refused peers that do not hang up, and connections that send nothing. Health
// checks still get in, and a peer does once there is a place.
func TestDescriptorsAreKeptFree(t *testing.T) {
	t.Parallel()
	const limit, places = 160, 60
	c := startChild(t, fmt.Sprintf("ulimit -n %d; ", limit), "--close-timeout=1m")
	if got := c.log.want("starting")["max_connections"]; got != float64(places) {
		t.Fatalf("max_connections is %v, want %d", got, places)
	}
	var inside, refused []*wire.Conn
	for range places {
		inside = append(inside, connect(t, "ws://"+c.addr))
	}
	for range 100 { // refused after the upgrade, and by HTTP when there are too many of them
		if conn, err := wire.Dial(t.Context(), "ws://"+c.addr, wire.NewPeerID(), nil); err == nil {
			refused = append(refused, conn)
		}
	}
	for range 300 {
		dialAndSend(t, c.addr, "GET /")
	}
	operator := c.log.want("listening for the operator")["url"].(string)
	for _, url := range []string{"http://" + c.addr, operator} {
		if status, _ := get(t, url+"/livez", nil); status != http.StatusOK {
			t.Errorf("%s/livez: %d, want 200", url, status)
		}
	}
	if n := descriptors(t, c.cmd.Process.Pid); n > limit-10 {
		t.Errorf("%d descriptors of %d are open, want some to be free", n, limit)
	}
	for _, conn := range append(refused, inside[0]) {
		conn.Close()
	}
	wantIn(t, "ws://"+c.addr)
	if log := c.log.String(); strings.Contains(log, "too many open files") {
		t.Errorf("it ran out of descriptors; log:\n%s", log)
	}
}

// wantIn waits until a peer can connect.
func wantIn(t *testing.T, url string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		conn, err := wire.Dial(t.Context(), url, wire.NewPeerID(), nil)
		if err != nil {
			continue
		}
		conn.SetReceiveDeadline(deadline)
		m, _ := conn.Receive()
		conn.Close()
		if m.Type == "connected" {
			return
		}
	}
	t.Error("no peer gets in, though there is a place")
}

// descriptors counts those of a process, where the system shows them.
func descriptors(t *testing.T, pid int) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Logf("cannot count descriptors: %v", err)
	}
	return len(entries)
}

// SIGHUP asks for a reload, SIGUSR1 for a report.
func TestSignalsThatDoNotEnd(t *testing.T) {
	t.Parallel()
	file := writeSettings(t, "")
	c := startChild(t, "", "--config="+file)
	connect(t, "ws://"+c.addr)
	rewrite(t, file, "retry-after: 9s\n")
	c.signal(syscall.SIGHUP)
	if got := fmt.Sprint(c.log.want("settings reloaded")["changed"]); got != "[retry-after: 5s -> 9s]" {
		t.Errorf("the log says that %s changed", got)
	}
	c.signal(syscall.SIGUSR1)
	state, _ := c.log.want("state")["state"].(map[string]any)
	if state["invariants"] != "ok" || state["collections"] == nil {
		t.Errorf("the state is %v, want that of /debug/state", state)
	}
	if stacks, _ := c.log.want("goroutines")["stacks"].(string); !strings.Contains(stacks, "goroutine profile: total") {
		t.Errorf("the goroutines are %.300q", stacks)
	}
	if status, _ := get(t, "http://"+c.addr+"/livez", nil); status != http.StatusOK {
		t.Errorf("/livez: %d", status)
	}
	c.signal(syscall.SIGTERM)
	if code := c.code(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
}
