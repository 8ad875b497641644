//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A supervisor that has stopped reading the log made the hub hang: it could not
// even be ended.
func TestUnreadLogDoesNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	// Fill the pipe so that it has no room for another line.
	if err := writer.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = writer.Write(bytes.Repeat([]byte("x"), 4096))
	}
	cmd := exec.Command(program, append(loopback, "--shutdown-timeout=2s")...)
	cmd.Env = []string{childVariable + "=1"}
	cmd.Stderr = writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		cmd.Wait()
	}()
	signals := time.NewTicker(100 * time.Millisecond) // until it listens to them
	defer signals.Stop()
	for deadline := time.After(patience); ; {
		select {
		case <-done:
			return
		case <-signals.C:
			cmd.Process.Signal(syscall.SIGTERM)
		case <-deadline:
			cmd.Process.Kill()
			t.Fatal("the hub does not end while its log is not read")
		}
	}
}

func TestLogWriterKeepsOrderAndCountsWhatIsLost(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := newLogWriter(&log)
	for i := range 100 {
		fmt.Fprintf(w, "line %d\n", i)
	}
	w.end()
	if lines := strings.Split(strings.TrimSpace(log.String()), "\n"); len(lines) != 100 || lines[99] != "line 99" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}

	log.Reset()
	release := make(chan struct{})
	w = newLogWriter(writerFunc(func(p []byte) (int, error) {
		<-release
		return log.Write(p)
	}))
	for i := range logLines + 50 {
		fmt.Fprintf(w, "line %d\n", i)
	}
	close(release)
	w.end()
	if !strings.Contains(log.String(), "log lines were lost") {
		t.Error("nothing is said of the lines that were lost")
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
