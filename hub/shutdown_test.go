package hub_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
)

func TestShutdownTellsEveryPeer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{DrainWindow: 200 * time.Millisecond})
	var wg sync.WaitGroup
	for i := range 50 {
		p := w.join(fmt.Sprint("peer", i), "n")
		wg.Go(func() { p.wantClose(1000, "Server shutting down") })
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := w.hub.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown() = %v, want nil", err)
	}
	wg.Wait()
	w.wantEmpty()
}

func TestShutdownPacesClosesInRandomOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const peers, window = 200, time.Second
		w := newPipeWorld(t, hub.Config{DrainWindow: window})
		type told struct {
			peer int
			at   time.Time
		}
		order := make(chan told, peers)
		for i := range peers {
			p := w.join(fmt.Sprint("peer", i), fmt.Sprint("n", i))
			go func() {
				p.wantClose(1000, "Server shutting down")
				order <- told{i, time.Now()}
			}()
		}
		began := time.Now()
		if err := w.hub.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		var first, last time.Duration = time.Hour, 0
		sorted, previous := true, -1
		for range peers {
			x := <-order
			first, last = min(first, x.at.Sub(began)), max(last, x.at.Sub(began))
			sorted = sorted && x.peer > previous
			previous = x.peer
		}
		if spread := last - first; spread < window*8/10 || spread > window*12/10 {
			t.Errorf("closes were spread over %v, want about %v", spread, window)
		}
		if sorted {
			t.Error("closes came in the order of the connects")
		}
	})
}

func TestShutdownDeadlineHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, hub.Config{CloseTimeout: time.Hour, DrainWindow: -1})
		for i := range 10 {
			w.join(fmt.Sprint("deaf", i), "n") // reads nothing, answers no close
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		err := w.hub.Shutdown(ctx)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown() = %v, want it to wrap DeadlineExceeded", err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("Shutdown took %v, its deadline is 3s", took)
		}
		w.wantEmpty()
		if again := w.hub.Shutdown(t.Context()); again != err {
			t.Errorf("second Shutdown() = %v, want the result of the first", again)
		}
		w.ended = true
	})
}

func TestShutdownIsJoinedByTheSecondCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	w.join("alice", "n")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := w.hub.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			w.wantEmpty()
		})
	}
	wg.Wait()
	if _, err := w.hub.Subscribe("late"); !errors.Is(err, hub.ErrClosed) {
		t.Errorf("Subscribe after Shutdown: %v, want ErrClosed", err)
	}
	if _, err := w.dial("late", ""); err == nil {
		t.Error("a peer could connect after Shutdown")
	}
}

func TestCloseDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, hub.Config{})
		sub, err := w.hub.Subscribe("test")
		if err != nil {
			t.Fatal(err)
		}
		w.join("alice", "n")
		began := time.Now()
		if err := w.hub.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("Close took %v", took)
		}
		<-sub.Done()
		w.wantEmpty()
		w.ended = true
	})
}
