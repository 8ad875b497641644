package main

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

const (
	logLines = 4096        // lines that may wait for the reader of the log
	logGrace = time.Second // how long the last of them may take
)

// logWriter writes lines to a log that somebody reads, or has stopped reading: a
// pipe that is full, a terminal that is paused. That must hold up neither the hub
// nor its end, so lines wait in a bounded queue, and those beyond it are lost and
// counted.
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

// Fd is the descriptor of the log, for isTerminal.
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
		fmt.Fprintf(w.to, "pigeonhub: %d lines of the log were lost: nobody read it\n", n)
	}
	w.to.Write(line)
}

// end waits until all lines are written, for logGrace if nobody reads them.
func (w *logWriter) end() {
	w.stop()
	timer := time.NewTimer(logGrace)
	defer timer.Stop()
	select {
	case <-w.ended:
	case <-timer.C:
	}
}
