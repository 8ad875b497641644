package cluster

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"sync"
	"time"
)

// Processes has workers on this machine: processes that Command starts, and that call
// ServeWorker with their stdin and stdout. A worker ends with its stdin, and so never
// outlives this process.
type Processes struct {
	Command []string // a program and its arguments
	Environ []string // beside the environment of this process
}

func (p Processes) Elsewhere() bool { return false }

func (p Processes) Recruit(_ context.Context, n int, _ *slog.Logger) ([]Link, error) {
	var links []Link
	for range n {
		l, err := p.Start()
		if err != nil {
			for _, l := range links {
				l.Close(0)
			}
			return nil, err
		}
		links = append(links, l)
	}
	return links, nil
}

// CloseGrace is how long a worker may take to end.
const CloseGrace = 15 * time.Second

// Process is the link to a worker process.
type Process struct {
	*lines
	Cmd   *exec.Cmd
	Stdin io.Closer
	tail  lastBytes

	ending sync.Once
	err    error // how it ended, good after ending
}

func (p Processes) Start() (*Process, error) {
	cmd := exec.Command(p.Command[0], p.Command[1:]...)
	cmd.Env = append(cmd.Environ(), p.Environ...)
	cmd.SysProcAttr = ownGroup() // Ctrl-C is for us: workers are told to end
	w := &Process{Cmd: cmd}
	cmd.Stderr = &w.tail
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	w.lines, w.Stdin = NewLines(stdout, stdin), stdin
	return w, nil
}

func (w *Process) Name() string { return fmt.Sprintf("process %d", w.Cmd.Process.Pid) }

// Receive says how the process ended, when it has.
func (w *Process) Receive() (Parcel, error) {
	f, err := w.lines.Receive()
	if err == nil {
		return f, nil
	}
	w.Close(CloseGrace)
	if w.err != nil {
		err = w.err
	}
	if text := w.tail.text(); text != "" {
		err = fmt.Errorf("%w; it said: %s", err, text)
	}
	return Parcel{}, err
}

// Close ends the process by ending its stdin.
func (w *Process) Close(patience time.Duration) {
	w.ending.Do(func() {
		w.Stdin.Close()
		kill := time.AfterFunc(patience, func() { _ = w.Cmd.Process.Kill() }) // it may have just ended
		defer kill.Stop()
		w.err = w.Cmd.Wait()
	})
}

// lastBytes keeps the end of what is written to it.
type lastBytes struct {
	mu sync.Mutex
	b  []byte
}

const maxLastBytes = 400

func (t *lastBytes) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if over := len(t.b) - maxLastBytes; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(b), nil
}

func (t *lastBytes) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.b) == 0 {
		return ""
	}
	return fmt.Sprintf("%q", t.b)
}
