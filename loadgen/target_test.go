package loadgen

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/probe"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// What answers is the target: that the kernel can be asked for its process, or the
// runtime for its profiles, says nothing of a hub that hangs.
func TestAlive(t *testing.T) {
	t.Parallel()
	hangs := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		<-ctx.Done()
		return ctx.Err()
	}
	answers := func(context.Context) error { return nil }
	for name, tt := range map[string]struct {
		probes       map[string]func(context.Context) error
		livenessDial func(context.Context) error
		want         bool
	}{
		"page_answers":      {map[string]func(context.Context) error{"proc": answers, "health": answers}, hangs, true},
		"page_hangs":        {map[string]func(context.Context) error{"proc": answers, "health": hangs}, answers, false},
		"one_of_two_hangs":  {map[string]func(context.Context) error{"metrics": hangs, "health": answers}, answers, true},
		"profiles_go_on":    {map[string]func(context.Context) error{"pprof": answers, "health": hangs}, answers, false},
		"profiles_alone":    {map[string]func(context.Context) error{"pprof": answers, "proc": answers}, hangs, true},
		"process_alone":     {map[string]func(context.Context) error{"proc": answers}, answers, true},
		"process_and_hangs": {map[string]func(context.Context) error{"proc": answers}, hangs, false},
		"nothing":           {nil, hangs, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				target := &target{waits: usualWaits, died: func() error { return nil }, livenessDial: tt.livenessDial}
				for name, answer := range tt.probes {
					target.add(probe.Probe{Name: name, Read: func(ctx context.Context) (map[string]float64, error) {
						if err := answer(ctx); err != nil {
							return nil, err
						}
						return map[string]float64{"n": 1}, nil
					}})
				}
				if err := target.alive(t.Context()); (err == nil) != tt.want {
					t.Errorf("alive: %v", err)
				}
			})
		})
	}
}

// A hub that hangs is a failure, also where its process is known and lives.
func TestCheckOfAHubThatHangs(t *testing.T) {
	t.Parallel()
	h := &toyHub{patient: true}
	url := h.start(t)
	defer h.hang(2 * time.Second)()
	begin := time.Now()
	r := run(t, Config{URL: url, Plan: quickCheck(t, 31), waits: impatient, PID: os.Getpid()})
	if v := r.Verdict; v.Outcome != verdict.Failed || !strings.Contains(v.Failures[0].What, "does not answer any more") {
		t.Errorf("outcome %s, failures %v, invalid for %v", v.Outcome, v.Failures, v.Invalid)
	}
	if took := time.Since(begin); took > 100*time.Second { // its time is two minutes
		t.Errorf("it took %s", took)
	}
}

// A liveness dial gets an answer, which may be a refusal, but not from a hub that hangs.
func TestKnock(t *testing.T) {
	t.Parallel()
	h := &toyHub{patient: true}
	r, err := newRunner(Config{URL: h.start(t), Plan: quickCheck(t, 32)})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.livenessDial(t.Context()); err != nil {
		t.Errorf("a hub that greets: %v", err)
	}
	h.closeAll(true)
	if err := r.livenessDial(t.Context()); err != nil {
		t.Errorf("a hub that refuses: %v", err)
	}
	end := h.hang(0)
	soon, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := r.livenessDial(soon); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a hub that hangs: %v", err)
	}
	end()
	h.kill()
	if err := r.livenessDial(t.Context()); err == nil {
		t.Error("a target that does not run answers")
	}
	if n := r.fleet.lives(); n != 0 {
		t.Errorf("%d peers are in the books", n)
	}
}
