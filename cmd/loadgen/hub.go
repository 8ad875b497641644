package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// childHub is a pigeonhub that we started.
type childHub struct {
	cmd        *exec.Cmd
	url, admin string
	built      string // the directory that it was built in; "" for none

	exited chan struct{} // closed when it has
	err    error         // how, good after that
	lines  tail
}

// How long it may take.
const (
	buildPatience = 5 * time.Minute
	startPatience = 20 * time.Second
	stopPatience  = 20 * time.Second
)

// hubFlags take free ports on loopback only; the rest is as anybody would run it.
var hubFlags = []string{"--host=127.0.0.1", "--port=0", "--admin-address=127.0.0.1:0", "--log-format=json",
	"--drain-window=off"}

// startHub starts a hub, and returns when it listens.
func startHub(ctx context.Context, program string, flags []string, log *slog.Logger) (*childHub, error) {
	h := &childHub{exited: make(chan struct{})}
	program, err := h.find(ctx, program, log)
	if err != nil {
		h.remove()
		return nil, err
	}
	h.cmd = exec.Command(program, flags...)
	h.cmd.SysProcAttr = ownGroup() // Ctrl-C is for us: the hub is ended when we are done
	started, listening := make(chan error), make(chan struct{})
	go h.run(started, listening)
	if err := <-started; err != nil {
		h.remove()
		return nil, err
	}
	select {
	case <-listening:
		log.Info("started a hub to check", "url", h.url, "pid", h.pid())
		return h, nil
	case <-h.exited:
		err = fmt.Errorf("it ended: %w: %s", h.died(), h.lines.text())
	case <-time.After(startPatience):
		err = errors.New("it does not listen")
	case <-ctx.Done():
		err = ctx.Err()
	}
	h.stop(log)
	return nil, fmt.Errorf("%s: %w", program, err)
}

// find returns the program: the one named, or one beside ours, in PATH, or built.
func (h *childHub) find(ctx context.Context, program string, log *slog.Logger) (string, error) {
	if program != "" {
		return program, nil
	}
	name := "pigeonhub"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(self), name); isFile(beside) {
			return beside, nil
		}
	}
	if found, err := exec.LookPath(name); err == nil {
		return found, nil
	}
	dir, err := os.MkdirTemp("", "loadgen")
	if err != nil {
		return "", err
	}
	h.built = dir
	const source = "github.com/pigeonhub/pigeonhub/cmd/pigeonhub"
	log.Info("building a hub to check", "source", source)
	ctx, cancel := context.WithTimeout(ctx, buildPatience)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, name), source)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, bytes.TrimSpace(out))
	}
	return filepath.Join(dir, name), nil
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// run starts the hub and stays until it has ended. It keeps its thread: see ownGroup.
func (h *childHub) run(started chan<- error, listening chan struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	stderr, err := h.cmd.StderrPipe()
	if err == nil {
		err = h.cmd.Start()
	}
	started <- err
	if err == nil {
		h.watch(stderr, listening)
	}
}

// watch reads the log until the hub ends. It closes listening when both listeners are
// known.
func (h *childHub) watch(stderr io.Reader, listening chan struct{}) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		h.lines.add(lines.Text())
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) != nil || h.admin != "" {
			continue
		}
		switch line.Msg {
		case "listening":
			h.url = line.URL
		case "listening for the operator":
			h.admin = line.URL
			close(listening)
		}
	}
	if err := h.cmd.Wait(); err != nil {
		h.err = err
	}
	close(h.exited)
}

func (h *childHub) pid() int { return h.cmd.Process.Pid }

// died says how the hub ended, nil if it has not.
func (h *childHub) died() error {
	select {
	case <-h.exited:
	default:
		return nil
	}
	if h.err == nil {
		return errors.New("exit status 0")
	}
	return fmt.Errorf("%w; its last line: %s", h.err, h.lines.last())
}

// stop ends the hub as an operator would, and the hard way if that takes too long.
func (h *childHub) stop(log *slog.Logger) {
	defer h.remove()
	if err := h.died(); err != nil {
		return
	}
	begin := time.Now()
	_ = h.cmd.Process.Signal(syscall.SIGTERM) // if it has just ended, that is well
	select {
	case <-h.exited:
		log.Info("stopped the hub", "status", h.cmd.ProcessState.ExitCode(), "took", time.Since(begin).Round(time.Millisecond))
	case <-time.After(stopPatience):
		log.Warn("the hub does not stop; killed it", "after", stopPatience)
		_ = h.cmd.Process.Kill()
		<-h.exited
	}
}

func (h *childHub) remove() {
	if h.built != "" {
		os.RemoveAll(h.built)
	}
}

// tail keeps the last lines of a log.
type tail struct {
	mu    sync.Mutex
	lines []string
}

const tailLines = 5

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
	if len(t.lines) > tailLines {
		t.lines = append(t.lines[:0:0], t.lines[1:]...)
	}
}

func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 0 {
		return "none"
	}
	return t.lines[len(t.lines)-1]
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("%q", t.lines)
}
