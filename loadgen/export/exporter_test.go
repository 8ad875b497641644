package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// fakeSink is a receiver that answers by a function.
type fakeSink struct {
	answer func(ctx context.Context, n int) error // n counts from 1

	mu     sync.Mutex
	pushes int
	got    []time.Duration // of the run, of the samples that were taken
	closed bool
}

func (f *fakeSink) Send(ctx context.Context, s Sample) error {
	f.mu.Lock()
	f.pushes++
	n := f.pushes
	f.mu.Unlock()
	err := f.answer(ctx, n)
	if err == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.got = append(f.got, s.At.Sub(s.Start))
	}
	return err
}

func (f *fakeSink) Name() string { return "fake" }

func (f *fakeSink) Close() { f.closed = true }

// pushed runs an exporter through a run of some seconds in a bubble, with a sample a second, and
// returns the account, what was logged, and how long the end took.
func pushed(t *testing.T, sink *fakeSink, seconds int) (p report.Push, logged string, end time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		x := New(slog.New(slog.NewTextHandler(&log, nil)), time.Second, sink)
		r := emptyResult()
		r.Verdict.Run.Start = time.Now()
		for i := range seconds * 4 {
			begin := time.Now()
			x.Watch(loadgen.Status{Elapsed: time.Duration(i) * 250 * time.Millisecond, Measured: func() report.Result { return r }})
			if waited := time.Since(begin); waited > 0 {
				t.Errorf("the run waited %s", waited)
			}
			synctest.Wait()
			time.Sleep(250 * time.Millisecond)
		}
		over := time.Now()
		p = x.Close(t.Context(), &r)[0]
		end, logged = time.Since(over), log.String()
	})
	if !sink.closed {
		t.Error("the receiver was not closed")
	}
	return p, logged, end
}

func TestExporter(t *testing.T) {
	t.Parallel()
	fine := func(context.Context, int) error { return nil }
	dead := func(context.Context, int) error { return errors.New("connection refused") }
	hangs := func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }
	for _, tt := range []struct {
		name    string
		answer  func(context.Context, int) error
		seconds int
		want    report.Push
		end     time.Duration
		warns   int
	}{
		{"a receiver that takes everything", fine, 10, report.Push{Samples: 11, Pushes: 11}, 0, 0},
		{"one that was away", func(_ context.Context, n int) error {
			if n <= 3 {
				return errors.New("connection refused")
			}
			return nil
		}, 10, report.Push{Samples: 11, Pushes: 14, Failed: 3, Error: "connection refused"}, 0, 1},
		{"one that refuses a sample", func(_ context.Context, n int) error {
			if n == 2 {
				return fmt.Errorf("%w: 400", ErrRefused)
			}
			return nil
		}, 10, report.Push{Samples: 11, Lost: 1, Pushes: 11, Failed: 1, Error: "refused: 400"}, 0, 2},
		{"one that is dead", dead, 10, report.Push{Samples: 11, Lost: 11, Pushes: 12, Failed: 12, Error: "connection refused"}, lastPause, 2},
		{"one that is dead for long", dead, 100, report.Push{Samples: 101, Lost: 101, Pushes: 102, Failed: 102, Error: "connection refused"}, lastPause, 2},
		{"one that never answers", hangs, 100, report.Push{Samples: 101, Lost: 101, Pushes: 1, Failed: 1, Error: "no answer within 5s"}, lastPatience, 1},
		{"one that is back at the end", func(_ context.Context, n int) error {
			if n <= 11 {
				return errors.New("connection refused")
			}
			return nil
		}, 10, report.Push{Samples: 11, Pushes: 22, Failed: 11, Error: "connection refused"}, lastPause, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sink := &fakeSink{answer: tt.answer}
			p, logged, end := pushed(t, sink, tt.seconds)
			tt.want.To = "fake"
			if p != tt.want || end != tt.end {
				t.Errorf("got %+v after %s, want %+v after %s", p, end, tt.want, tt.end)
			}
			if n := strings.Count(logged, "level=WARN"); n != tt.warns {
				t.Errorf("%d warnings, want %d:\n%s", n, tt.warns, logged)
			}
			for i := 1; i < len(sink.got); i++ {
				if sink.got[i] < sink.got[i-1] {
					t.Errorf("a sample of %s follows one of %s", sink.got[i], sink.got[i-1])
				}
			}
		})
	}
}

// A slow receiver gets the latest samples, and those that the queue cannot hold are counted.
func TestSlowReceiver(t *testing.T) {
	t.Parallel()
	sink := &fakeSink{answer: func(ctx context.Context, _ int) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2500 * time.Millisecond):
			return nil
		}
	}}
	p, _, end := pushed(t, sink, 200)
	if len(sink.got) == 0 || p.Samples != 201 || p.Lost != p.Samples-len(sink.got) || p.Lost < 100 || end > lastPatience {
		t.Errorf("%+v, %d arrived, end after %s", p, len(sink.got), end)
	}
	if lag := 200*time.Second - sink.got[len(sink.got)-1]; lag > (MaxWaiting+5)*time.Second {
		t.Errorf("the last sample that arrived is %s old", lag)
	}
}

// A run that could not begin has no last sample.
func TestNoRun(t *testing.T) {
	t.Parallel()
	sink := &fakeSink{answer: func(context.Context, int) error { return nil }}
	if p := New(slog.New(slog.DiscardHandler), time.Second, sink).Close(t.Context(), nil); p[0].Samples != 0 || sink.pushes != 0 {
		t.Errorf("%+v", p)
	}
}
