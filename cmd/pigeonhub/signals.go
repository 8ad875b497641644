package main

import (
	"os"
	"syscall"
)

// handleSignals handles the signals that do not end the process, one after another, and
// sends systemd the signs of life that it expects, until stop is called. stop waits for what
// is under way.
func (s *service) handleSignals(signals <-chan os.Signal) (stop func()) {
	ended := make(chan struct{})
	ticks, stopTicks := s.notify.ticks()
	go func() {
		defer close(ended)
		for {
			select {
			case sig := <-signals:
				handlers[sig](s)
			case <-ticks:
				s.hub.Stats() // returns only if the hub's lock is free
				s.notify.send("WATCHDOG=1")
			case <-s.life.Done():
				return
			}
		}
	}()
	return func() {
		s.endLife()
		<-ended
		stopTicks()
		s.helpers.Wait()
		select {
		case tooLate := <-s.succeeded: // this hub was to end, not to be replaced
			tooLate.Signal(syscall.SIGTERM)
		default:
		}
	}
}

// drain ends the hub as SIGTERM does.
func (s *service) drain() {
	select {
	case s.drained <- struct{}{}:
	default: // it has been asked for
	}
}
