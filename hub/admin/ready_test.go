package admin_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// wantUnready asserts that only readiness suffers.
func (w *world) wantUnready(reason string) {
	w.Helper()
	for _, addr := range []string{w.public, w.private} {
		w.want(w.ask(addr, "GET", "/readyz"), 503, reason)
		w.want(w.ask(addr, "GET", "/livez"), 200, "ok")
	}
	if got := w.get("/health"); got.status != 200 || !shape(recordedHealth).MatchString(got.body) {
		w.Errorf("/health: got %d %s, want healthy as ever", got.status, got.body)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	for _, addr := range []string{w.public, w.private} {
		w.want(w.ask(addr, "GET", "/readyz"), 200, "ready")
		w.want(w.ask(addr, "GET", "/livez"), 200, "ok")
	}
}

func TestNotReadyWhenFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MaxConnections: 1}, admin.PublicConfig{})
	c := w.connect("/", wire.NewPeerID())
	w.wantUnready("full")
	c.Close()
	w.settle(func() string {
		if got := w.get("/readyz"); got.status != 200 {
			return fmt.Sprintf("/readyz says %d %s after the only peer has left", got.status, got.body)
		}
		return ""
	})
}

func TestNotReadyWhenShortOfMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{Memory: hub.MemoryConfig{Limit: 1, Sample: time.Millisecond}}, admin.PublicConfig{})
	w.settle(func() string {
		if w.hub.Stats().Memory.Level != hub.MemoryRefusing {
			return "memory is not found short"
		}
		return ""
	})
	w.wantUnready("memory")
}

func TestNotReadyWhileDraining(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.hub.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	w.wantUnready("draining")
}
