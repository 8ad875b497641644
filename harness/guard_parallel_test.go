package harness_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

// Each of several parallel tests fails for its own leak only.
func TestGuardParallel(t *testing.T) {
	h := fixture.NewHerd(t)
	type session struct{ _ *session }
	var kept *session
	bodies := map[string]func(ctx context.Context, tb *fakeTB, w *detect.Watch){
		"clean": func(_ context.Context, tb *fakeTB, w *detect.Watch) {
			own := fixture.NewHerd(t)
			own.Leak(5)
			tb.Cleanup(own.End)
			if err := w.Add(&session{}, "short"); err != nil {
				t.Error(err)
			}
		},
		"goroutine": func(context.Context, *fakeTB, *detect.Watch) { h.Leak(1) },
		"grandchild": func(context.Context, *fakeTB, *detect.Watch) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				h.Leak(1)
			}()
			<-done
		},
		"object": func(_ context.Context, _ *fakeTB, w *detect.Watch) {
			kept = &session{}
			if err := w.Add(kept, "long"); err != nil {
				t.Error(err)
			}
		},
	}
	var begun, ended, all sync.WaitGroup
	begun.Add(len(bodies))
	ended.Add(len(bodies))
	got := map[string]string{}
	var mu sync.Mutex
	for name, body := range bodies {
		all.Go(func() {
			tb := newFakeTB(t)
			tb.name = name
			grace := 5 * time.Second
			if name == "goroutine" || name == "grandchild" {
				grace = 300 * time.Millisecond // their goroutines do not end
			}
			ctx, w := harness.GuardParallel(t.Context(), tb, harness.Grace(grace))
			begun.Done()
			begun.Wait() // all run
			body(ctx, tb, w)
			ended.Done()
			ended.Wait() // all have leaked
			errors := tb.end()
			mu.Lock()
			defer mu.Unlock()
			got[name] = errors
		})
	}
	all.Wait()
	for name, want := range map[string]string{"clean": "", "goroutine": "goroutine of", "grandchild": "goroutine of", "object": "*harness_test.session retained"} {
		if (got[name] == "") != (want == "") || !strings.Contains(got[name], want) || strings.Contains(got[name], "of 2") {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	runtime.KeepAlive(kept)
}
