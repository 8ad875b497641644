package cluster

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"time"
)

// Processes recruits workers on this machine: processes that Command starts, and that call
// ServeWorker with their stdin and stdout. A worker ends when its stdin does, so it never
// outlives this process.
type Processes struct {
	Command []string // a program and its arguments
	Environ []string // added to the environment of this process
}

// Elsewhere returns false.
func (p Processes) Elsewhere() bool { return false }

// Recruit starts n workers.
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
	*Child
	Stdin  io.Closer
	stdout io.Closer
}

// Start starts one worker.
func (p Processes) Start() (*Process, error) {
	cmd := exec.Command(p.Command[0], p.Command[1:]...)
	cmd.Env = append(cmd.Environ(), p.Environ...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	// Not StdoutPipe: that one is closed when the process ends, with its last parcels in it.
	stdout, theirs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	cmd.Stdout = theirs
	child, err := StartChild(cmd, nil)
	theirs.Close()
	if err != nil {
		stdout.Close()
		return nil, err
	}
	return &Process{lines: NewLines(stdout, stdin), Child: child, Stdin: stdin, stdout: stdout}, nil
}

// Name returns the process id, as a text.
func (w *Process) Name() string { return fmt.Sprintf("process %d", w.PID()) }

// Receive waits for the next parcel. After the last one the error says how the process
// ended.
func (w *Process) Receive() (Parcel, error) {
	f, err := w.lines.Receive()
	if err == nil {
		return f, nil
	}
	w.Close(CloseGrace)
	w.stdout.Close()
	if how, _ := w.Ended(); how != nil {
		err = how
	}
	if text := w.Said(); text != "" {
		err = fmt.Errorf("%w; it wrote: %q", err, text)
	}
	return Parcel{}, err
}

// Close ends the process by ending its stdin.
func (w *Process) Close(patience time.Duration) {
	w.Stop(func() { w.Stdin.Close() }, patience)
}
