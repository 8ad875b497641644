package main

import (
	"encoding/json"
	"runtime/pprof"
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/admin"
)

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
