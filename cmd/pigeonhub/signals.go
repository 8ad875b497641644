package main

import (
	"maps"
	"os"
	"os/signal"
	"slices"
)

// handleSignals handles the signals that do not end the process, one after another, until
// stop is called. stop waits for the one that is being handled.
func (s *service) handleSignals() (stop func()) {
	signals, end, ended := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(signals, slices.Collect(maps.Keys(handlers))...)
	go func() {
		defer close(ended)
		for {
			select {
			case sig := <-signals:
				handlers[sig](s)
			case <-end:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(end)
		<-ended
	}
}
