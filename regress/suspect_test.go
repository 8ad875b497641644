package regress_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub"
)

const (
	suspectPeriods = 10  // idle times in which a hub is to name its leak
	suspectLives   = 400 // lives between two of them
)

// TestSuspect measures how many of the mutants that retain objects the hub itself names. It prints
// what each one suspects. PIGEONHUB_SUSPECT selects the mutants, as PIGEONHUB_POWER does.
func TestSuspect(t *testing.T) {
	which := os.Getenv("PIGEONHUB_SUSPECT")
	if which == "" {
		t.Skip("PIGEONHUB_SUSPECT is not set")
	}
	mutants, err := chooseMutants(which)
	if err != nil {
		t.Fatal(err)
	}
	mutants = slices.DeleteFunc(mutants, func(m *mutant) bool {
		if m.benign {
			return true
		}
		l := witnessLife(m.scenarios[0])
		return l.ownHub || l.stays || m.witness.name != "objects" && m.witness.name != "stat"
	})
	named, suspected := 0, 0
	for _, m := range mutants {
		got := suspectsOf(t, m)
		in := slices.ContainsFunc(got, func(name string) bool { return slices.Contains(m.fields, name) })
		if in {
			named++
		}
		if len(got) > 0 {
			suspected++
		}
		t.Logf("%s: suspects %v, want one of %v: %v", m.name, got, m.fields, in)
	}
	t.Logf("%d of %d mutants were suspected, %d by the name of a collection that leaks", suspected, len(mutants), named)
}

// suspectsOf builds a hub with the mutant and returns the collections that it suspects.
func suspectsOf(t *testing.T, m *mutant) (names []string) {
	t.Helper()
	dir := t.TempDir()
	planted, err := m.overlay(dir)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := planted.build(t.Context(), dir, nil, "-ldflags=-s -w")
	if err != nil {
		t.Error(err)
		return nil
	}
	cmd := exec.CommandContext(t.Context(), binary, "-test.run", "^TestSuspects$", "-test.v", "-test.timeout", "2m")
	cmd.Env = append(os.Environ(), "PIGEONHUB_MUTANT="+m.name)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", m.name, err, lastLines(out, 10))
	}
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "suspected: "); ok {
			names = append(names, name)
		}
	}
	if err := os.Remove(binary); err != nil {
		t.Error(err)
	}
	return names
}

// TestSuspects puts lives of the first scenario of a mutant through a hub and prints what it
// suspects. It runs in a binary with the mutant that PIGEONHUB_MUTANT names.
func TestSuspects(t *testing.T) {
	m := builtMutant(t)
	w := &witness{life: witnessLife(m.scenarios[0]), lives: suspectLives}
	cfg := witnessConfig()
	cfg.Memory.LeakPeriod = time.Millisecond
	w.start(t, cfg)
	sub, err := w.target.Hub.Subscribe("test", hub.EventLeakSuspected)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the hub takes a reading after two GCs
	for range suspectPeriods {
		w.round(t)
		w.idle(t)
	}
	for len(sub.Events()) > 0 {
		fmt.Println("suspected:", (<-sub.Events()).Suspicion.Name)
	}
}

// idle waits until no session is left, or for a second, and then for a reading of the hub.
func (w *witness) idle(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = settle.Until(ctx, func() error { // a mutant may keep sessions
		if w.target.Hub.Sessions() > 0 {
			return errors.New("the hub has sessions")
		}
		return nil
	})
	runtime.GC()
	runtime.GC()
	w.awaitMonitor(t)
}
