//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// handOverLimit is how long a new process may take to start.
const handOverLimit = 30 * time.Second

// handOver starts the program anew, as it is on disk now, and passes the listening sockets
// on. They stay open all the time. Once the new process serves, this one ends as at SIGTERM,
// but without listening. If the new one fails, this one goes on.
func (s *service) handOver() {
	if s.ending.Load() || !s.handingOver.CompareAndSwap(false, true) {
		s.log.Warn("no hand-over: one is under way, or the hub ends")
		return
	}
	cmd, ready, err := s.startSuccessor()
	if err != nil {
		s.handingOver.Store(false)
		s.log.Error("hand-over failed, going on", "error", err)
		return
	}
	s.log.Info("handing over", "pid", cmd.Process.Pid)
	s.helpers.Go(func() {
		defer ready.Close()
		if err := s.awaitSuccessor(cmd, ready); err != nil {
			s.handingOver.Store(false)
			s.log.Error("hand-over failed, going on", "pid", cmd.Process.Pid, "error", err)
		}
	})
}

// startSuccessor starts the new process. ready receives what it reports.
func (s *service) startSuccessor() (cmd *exec.Cmd, ready *os.File, err error) {
	program, err := exec.LookPath(os.Args[0])
	if err != nil {
		return nil, nil, err
	}
	cmd = exec.Command(program, os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	ready, report, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	cmd.ExtraFiles = []*os.File{report}
	defer func() {
		for _, file := range cmd.ExtraFiles {
			file.Close()
		}
	}()
	names := nameReady
	for name, ln := range s.listeners {
		file, err := fileOf(ln)
		if err != nil {
			ready.Close()
			return nil, nil, fmt.Errorf("socket %s: %w", name, err)
		}
		cmd.ExtraFiles, names = append(cmd.ExtraFiles, file), names+":"+name
	}
	cmd.Env = successorEnviron(len(cmd.ExtraFiles), names)
	if err := cmd.Start(); err != nil {
		ready.Close()
		return nil, nil, err
	}
	return cmd, ready, nil
}

// fileOf returns a duplicate of the listener's descriptor. That of the method File would
// make the socket blocking, for this process too, once it is passed on.
func fileOf(ln net.Listener) (file *os.File, err error) {
	conn, ok := ln.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("a %T has no descriptor", ln)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	failed := raw.Control(func(fd uintptr) {
		var duplicate int
		if duplicate, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); err == nil {
			file = os.NewFile(uintptr(duplicate), "listener")
		}
	})
	return file, errors.Join(failed, err)
}

// successorEnviron returns the environment of the new process, in which inherit finds n
// descriptors.
func successorEnviron(n int, names string) (environ []string) {
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "LISTEN_") && !strings.HasPrefix(pair, "WATCHDOG_PID=") {
			environ = append(environ, pair)
		}
	}
	return append(environ, fmt.Sprintf("LISTEN_PID=%d", os.Getpid()), fmt.Sprintf("LISTEN_FDS=%d", n), "LISTEN_FDNAMES="+names)
}

// awaitSuccessor returns when the new process serves, or has ended and why. It kills one
// that does not start in time, or before the hub ends.
func (s *service) awaitSuccessor(cmd *exec.Cmd, ready *os.File) error {
	timer := time.AfterFunc(handOverLimit, func() { ready.SetReadDeadline(time.Now()) })
	defer timer.Stop()
	defer context.AfterFunc(s.life, func() { ready.SetReadDeadline(time.Now()) })()
	report, err := io.ReadAll(ready)
	if string(report) == startsWell {
		s.succeeded <- cmd.Process
		return nil
	}
	cmd.Process.Kill()
	state := cmd.Wait()
	switch {
	case len(report) > 0:
		return errors.New(string(report))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("the new process does not start in time")
	}
	return fmt.Errorf("the new process has ended: %w", state)
}
