package main

import (
	"encoding/json"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/admin"
)

// handleReports handles the signals that do not end the process until stop is called,
// which waits for a report under way. Settings cannot be read again, so signalReload is
// logged and ignored; by default it would end the process. signalReport writes a report
// to the log.
func (s *service) handleReports() (stop func()) {
	signals, end, ended := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(signals, signalReload, signalReport)
	go func() {
		defer close(ended)
		for {
			select {
			case sig := <-signals:
				if sig == signalReload {
					s.log.Info("signal ignored: settings are read at the start only", "signal", sig.String())
				} else {
					s.report()
				}
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

// report logs the page /debug/state and the stacks of all goroutines, equal ones
// together.
func (s *service) report() {
	s.log.Info("state", "state", json.RawMessage(admin.State(s.hub)))
	var stacks strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 1); err != nil {
		s.log.Warn("cannot read the goroutines", "error", err)
		return
	}
	s.log.Info("goroutines", "stacks", stacks.String())
}
