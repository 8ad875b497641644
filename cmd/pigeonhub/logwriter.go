package main

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

const (
	logLines = 4096        // lines that may wait for the log's reader
	logGrace = time.Second // how long end waits for the last of them
)

// logWriter writes lines to a log whose reader may have stopped reading, such as a full
// pipe or a paused terminal. That must delay neither the hub nor its shutdown, so lines
// wait in a bounded queue. Lines beyond it are lost and counted.
type logWriter struct {
	to     io.Writer
	lines  chan []byte
	lost   atomic.Uint64
	ending context.Context
	stop   context.CancelFunc
	ended  chan struct{} // receives one value when the last line is written
}

func newLogWriter(to io.Writer) *logWriter {
	w := &logWriter{to: to, lines: make(chan []byte, logLines), ended: make(chan struct{}, 1)}
	w.ending, w.stop = context.WithCancel(context.Background())
	go w.run()
	return w
}

// Write queues one line; it never blocks and never fails.
func (w *logWriter) Write(line []byte) (int, error) {
	select {
	case w.lines <- append([]byte(nil), line...):
	default:
		w.lost.Add(1)
	}
	return len(line), nil
}

// Fd returns the descriptor of the log, for isTerminal.
func (w *logWriter) Fd() uintptr {
	if f, ok := w.to.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

func (w *logWriter) run() {
	defer func() { w.ended <- struct{}{} }()
	for {
		select {
		case line := <-w.lines:
			w.write(line)
		case <-w.ending.Done():
			for {
				select {
				case line := <-w.lines:
					w.write(line)
				default:
					return
				}
			}
		}
	}
}

func (w *logWriter) write(line []byte) {
	if n := w.lost.Swap(0); n > 0 {
		fmt.Fprintf(w.to, "pigeonhub: %d log lines were lost because the log was not read\n", n)
	}
	w.to.Write(line)
}

// end returns when all lines are written, or after logGrace.
func (w *logWriter) end() {
	w.stop()
	timer := time.NewTimer(logGrace)
	defer timer.Stop()
	select {
	case <-w.ended:
	case <-timer.C:
	}
}
