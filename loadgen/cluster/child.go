package cluster

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Child is a process that this one has started. It has a process group of its own, so that
// Ctrl-C does not reach it. On Linux it gets SIGTERM when this process ends, however that
// happens.
type Child struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended
	err    error         // how it ended, valid once exited is closed
	said   lastLines
}

// StartChild starts a process. It keeps the last lines that the process writes to stderr,
// and passes each line to heard unless that is nil.
func StartChild(cmd *exec.Cmd, heard func(line string)) (*Child, error) {
	c := &Child{cmd: cmd, exited: make(chan struct{})}
	cmd.SysProcAttr = childAttributes()
	started := make(chan error)
	go c.run(started, heard)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	return c, nil
}

// run starts the process and returns when it has ended. It keeps its thread, because the
// kernel ends a child with the thread that started it.
func (c *Child) run(started chan<- error, heard func(string)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	stderr, err := c.cmd.StderrPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	started <- err
	if err != nil {
		return
	}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		c.said.add(lines.Text())
		if heard != nil {
			heard(lines.Text())
		}
	}
	_, _ = io.Copy(io.Discard, stderr) // after a line that is too long, or none
	c.err = c.cmd.Wait()
	close(c.exited)
}

// PID returns the id of the process.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Path returns the program.
func (c *Child) Path() string { return c.cmd.Path }

// Exited returns a channel that is closed when the process has ended.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// Ended reports whether the process has ended, and with which error.
func (c *Child) Ended() (how error, ended bool) {
	select {
	case <-c.exited:
		return c.err, true
	default:
		return nil, false
	}
}

// Said returns the last lines that the process wrote to stderr, "" if there are none.
func (c *Child) Said() string { return c.said.text() }

// Stop asks the process to end, and kills it when the patience is over. It returns when the
// process has ended, and reports whether it was killed.
func (c *Child) Stop(ask func(), patience time.Duration) (killed bool) {
	ask()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.exited:
	case <-timer.C:
		c.Kill()
		<-c.exited
		return true
	}
	return false
}

// Terminate sends SIGTERM.
func (c *Child) Terminate() { _ = c.cmd.Process.Signal(syscall.SIGTERM) } // it may have just ended

// Kill kills the process.
func (c *Child) Kill() { _ = c.cmd.Process.Kill() } // it may have just ended

// lastLines keeps the end of a log.
type lastLines struct {
	mu    sync.Mutex
	lines []string
}

const (
	maxLines      = 5
	maxLineLength = 400
)

func (l *lastLines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line[:min(len(line), maxLineLength)])
	if len(l.lines) > maxLines {
		l.lines = append(l.lines[:0:0], l.lines[1:]...)
	}
}

func (l *lastLines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
