//go:build interop

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startLimit and stopLimit bound the start and the end of a hub process.
const (
	startLimit = 20 * time.Second
	stopLimit  = 15 * time.Second
)

// A program is a hub to start: what to run and where.
type program struct {
	name string
	argv []string
	dir  string
}

// A hubProcess is a hub running on a loopback port.
type hubProcess struct {
	program
	addr string
	cmd  *exec.Cmd
	log  logBuffer
	done chan struct{} // closed when the process has ended
}

// startHub starts a hub on the port, with env added to its environment, and waits
// until it answers. The test's end stops it.
func startHub(t *testing.T, p program, port int, env ...string) *hubProcess {
	t.Helper()
	h := &hubProcess{program: p, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), done: make(chan struct{})}

	// Not the test's context: it ends before the cleanups that stop the hub.
	deadline, ok := t.Deadline()
	if !ok {
		deadline = time.Now().Add(time.Hour)
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline.Add(-5*time.Second))
	h.cmd = exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	h.cmd.Dir = p.dir
	h.cmd.Env = append(append(os.Environ(), "HOST=127.0.0.1", fmt.Sprintf("PORT=%d", port),
		"PIGEONHUB_IS_HUB=false"), env...) // no hub, as the published server/start.js
	h.cmd.Stdout, h.cmd.Stderr = &h.log, &h.log
	if err := h.cmd.Start(); err != nil {
		cancel()
		t.Fatalf("start %s: %v", p.name, err)
	}
	go func() {
		defer close(h.done)
		_ = h.cmd.Wait() // stop looks at the status
	}()
	t.Cleanup(func() {
		cancel() // kills it unless stop has been called
		<-h.done
		if t.Failed() {
			t.Logf("log of %s at %s:\n%s", h.name, h.addr, indent(h.log.String()))
		}
	})
	if err := poll(startLimit, func() error { return h.ready() }); err != nil {
		t.Fatalf("%s never answered: %v", p.name, err)
	}
	return h
}

// stop ends the hub politely and asks for exit status 0.
func (h *hubProcess) stop(t *testing.T) {
	t.Helper()
	h.terminate(t)
	h.wait(t)
}

func (h *hubProcess) terminate(t *testing.T) {
	t.Helper()
	if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("SIGTERM to %s: %v", h.name, err)
	}
}

func (h *hubProcess) wait(t *testing.T) {
	t.Helper()
	select {
	case <-h.done:
	case <-time.After(stopLimit):
		t.Fatalf("%s still runs %v after SIGTERM", h.name, stopLimit)
	}
	if code := h.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("%s ended with %v after SIGTERM, want exit status 0", h.name, h.cmd.ProcessState)
	}
}

// ready reports why the hub cannot be used yet, or nil.
func (h *hubProcess) ready() error {
	select {
	case <-h.done:
		return fmt.Errorf("the process has ended: %v", h.cmd.ProcessState)
	default:
	}
	_, err := h.health()
	return err
}

// health is what the test reads of /health.
type health struct {
	Status      string `json:"status"`
	Connections int    `json:"connections"`
	Peers       int    `json:"peers"`
}

func (h *hubProcess) health() (health, error) {
	var got health
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + h.addr + "/health")
	if err != nil {
		return got, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return got, fmt.Errorf("/health: %s", res.Status)
	}
	return got, json.NewDecoder(res.Body).Decode(&got)
}

// connections reports nil when /health counts n connections and n peers.
func (h *hubProcess) connections(n int) error {
	got, err := h.health()
	if err == nil && (got.Connections != n || got.Peers != n) {
		err = fmt.Errorf("/health counts %d connections and %d peers, want %d", got.Connections, got.Peers, n)
	}
	return err
}

// freePort returns an unused loopback port.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// poll calls check until it returns nil, and returns its last word at the limit.
func poll(limit time.Duration, check func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %v: %w", limit, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// logBuffer keeps the end of what a process prints.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
	cut int
}

func (l *logBuffer) Write(p []byte) (int, error) {
	const most = 1 << 16
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Write(p)
	if over := l.buf.Len() - most; over > 0 {
		l.buf.Next(over)
		l.cut += over
	}
	return len(p), nil
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut == 0 {
		return l.buf.String()
	}
	return fmt.Sprintf("(%d bytes before this)\n%s", l.cut, l.buf.String())
}

// candidate returns the hub under test: ours, built now, or the one that
// PIGEONHUB_INTEROP_COMMAND names.
func (w workshop) candidate(t *testing.T) program {
	t.Helper()
	if command := strings.Fields(os.Getenv(commandVariable)); len(command) > 0 {
		return program{name: strings.Join(command, " "), argv: command, dir: w.dir}
	}
	binary := t.TempDir() + "/pigeonhub"
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/pigeonhub: %v\n%s", err, out)
	}
	return program{name: "pigeonhub", argv: []string{binary}, dir: w.dir}
}

// reference returns the published server.
func (w workshop) reference() program {
	return program{name: "published server", argv: []string{"node", "reference.mjs"}, dir: w.dir}
}

var errNoNode = errors.New("node and npm (20 or newer) are needed and not in PATH: " +
	"install them from nodejs.org or with the package manager (apt-get install nodejs npm)")
