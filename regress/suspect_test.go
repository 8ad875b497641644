package regress_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

const (
	suspectPeriods = 10   // idle times in which a hub is to name its leak
	suspectLives   = 1000 // lives between two of them
	suspectOthers  = 100  // others that join and leave, because growth is told for each session that departed
	healthyPeriods = 300  // idle times of a hub that does not leak

	overTCPVariable = "PIGEONHUB_SUSPECT_TCP" // set for TestSuspects in real time
)

// TestSuspect measures how many of the mutants that retain objects the hub itself names, and how
// many benign ones it suspects. It prints what each one suspects. PIGEONHUB_SUSPECT selects the
// mutants, as PIGEONHUB_POWER does.
func TestSuspect(t *testing.T) {
	which := os.Getenv("PIGEONHUB_SUSPECT")
	if which == "" {
		t.Skip("PIGEONHUB_SUSPECT is not set")
	}
	mutants, err := chooseMutants(which)
	if err != nil {
		t.Fatal(err)
	}
	var leaks, suspected, inCollections, named, benign, accused int
	for _, m := range mutants {
		if l := witnessLife(m.scenarios[0]); l.ownHub || l.stays || !m.benign && m.witness.name != "objects" && m.witness.name != "stat" {
			continue
		}
		got := suspectsOf(t, m)
		if m.benign {
			benign++
			accused += min(1, len(got))
			t.Logf("%s is benign: suspects %v", m.name, got)
			continue
		}
		leaks++
		suspected += min(1, len(got))
		if m.fields[0] != "none" {
			inCollections++
			if slices.ContainsFunc(got, func(name string) bool { return slices.Contains(m.fields, name) }) {
				named++
			}
		}
		t.Logf("%s: suspects %v, the leak is in %v", m.name, got, m.fields)
	}
	t.Logf("of %d mutants %d were suspected; of %d that leak in a collection %d by its name; of %d benign ones %d", leaks, suspected, inCollections, named, benign, accused)
}

// TestHealthyHubIsNotSuspected lets a hub without a leak be idle 300 times, after lives of one
// scenario after the other.
func TestHealthyHubIsNotSuspected(t *testing.T) {
	if os.Getenv("PIGEONHUB_SUSPECT") == "" {
		t.Skip("PIGEONHUB_SUSPECT is not set")
	}
	overPipes(t, healthyPeriods, suspectOthers, []string{"clean", "goodbye", "drop", "roam", "fresh", "absent", "return", "stall"}, func(got []string) {
		if len(got) > 0 {
			t.Errorf("suspected are %v", got)
		}
	})
}

// suspectsOf builds a hub with the mutant and returns the collections that it suspects over pipes,
// or else over TCP.
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
	for _, variable := range []string{"", overTCPVariable + "=1"} {
		cmd := exec.CommandContext(t.Context(), binary, "-test.run", "^TestSuspects$", "-test.v", "-test.timeout", "5m")
		cmd.Env = append(os.Environ(), "PIGEONHUB_MUTANT="+m.name, variable)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", m.name, err, lastLines(out, 10))
		}
		for line := range strings.Lines(string(out)) {
			if name, ok := strings.CutPrefix(strings.TrimSpace(line), "suspected: "); ok {
				names = append(names, name)
			}
		}
		if len(names) > 0 || m.benign {
			break
		}
	}
	if err := os.Remove(binary); err != nil {
		t.Error(err)
	}
	return names
}

// TestSuspects puts lives of the first scenario of a mutant through a hub and prints what it
// suspects: over pipes in virtual time, or over TCP, which some leaks need. It runs in a binary with
// the mutant that PIGEONHUB_MUTANT names.
func TestSuspects(t *testing.T) {
	m := builtMutant(t)
	with := overPipes
	if os.Getenv(overTCPVariable) != "" {
		with = overTCP
	}
	with(t, suspectPeriods, suspectLives, m.scenarios[:1], func(got []string) {
		for _, name := range got {
			fmt.Println("suspected:", name)
		}
		os.Exit(0) // neither a bubble nor a hub ends with the goroutines of a mutant in it
	})
}

// overPipes calls f with what a hub suspects after so many hours of virtual time. Each begins with
// lives of one of the scenarios and some ordinary ones, and the hub is idle for the rest of it.
func overPipes(t *testing.T, hours, lives int, scenarios []string, f func(suspected []string)) {
	synctest.Test(t, func(t *testing.T) { inIdleTimes(t, hubtest.StartPipes, time.Hour, hours, lives, scenarios, f) })
}

// overTCP does the same in real time, with periods of seconds.
func overTCP(t *testing.T, periods, lives int, scenarios []string, f func(suspected []string)) {
	inIdleTimes(t, hubtest.Start, 3*time.Second, periods, lives, scenarios, f)
}

func inIdleTimes(t *testing.T, start func(hub.Config) (*hubtest.Target, error), period time.Duration, periods, lives int, scenarios []string, f func(suspected []string)) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the hub takes a reading after two GCs
	cfg := witnessConfig()
	cfg.Memory = hub.MemoryConfig{Interval: period, Sample: period / 60, LeakPeriod: period}
	target, err := start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := target.Hub.Subscribe("test", hub.EventLeakSuspected)
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{lives: lives, target: target}
	others := &witness{life: witnessLife(every), lives: suspectOthers, target: target}
	others.next.Store(1 << 30) // with ids and networks of their own
	compared := func() int { return int(target.Hub.Stats().LowPoints) }
	// In real time a period may end while peers are connected. It is none in which the hub was idle.
	for i := 0; compared() < periods-1 && i < 2*periods; i++ {
		w.life = witnessLife(scenarios[i%len(scenarios)])
		w.round(t)
		others.round(t)
		for idle := time.Now(); time.Since(idle) < period; time.Sleep(period / 4) {
			runtime.GC()
			runtime.GC()
		}
	}
	if got := compared(); got != periods-1 {
		t.Errorf("the hub compared %d idle times with those before, want %d", got, periods-1)
	}
	var got []string
	for len(sub.Events()) > 0 {
		got = append(got, (<-sub.Events()).Suspicion.Name)
	}
	f(got)
	sub.Close()
	if err := target.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
