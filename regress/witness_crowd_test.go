package regress_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// crowd is the number of peers connected at once when memory per peer is measured.
const crowd = 300

// held returns the bytes of memory of an idle peer that has sent large messages.
func (w *witness) held(t *testing.T) float64 {
	t.Helper()
	cfg := witnessConfig()
	cfg.PingInterval = time.Minute
	w.start(t, cfg)
	warmUp()
	w.gather(t, crowd)()
	before := w.settled() + float64(memory().StackInuse)
	leave := w.gather(t, crowd)
	during := w.read() + float64(memory().StackInuse)
	leave()
	t.Logf("%.0f bytes per connected peer", (during-before)/crowd)
	return (during - before) / crowd
}

// peak returns the bytes per peer that stay after a crowd larger than any before has left.
func (w *witness) peak(t *testing.T) float64 {
	t.Helper()
	w.start(t, witnessConfig())
	warmUp()
	w.gather(t, crowd/20)()
	before := w.settled()
	w.gather(t, crowd)()
	w.settled()
	w.awaitMonitor(t)
	after := w.settled()
	t.Logf("%.0f bytes stay per peer", (after-before)/crowd)
	return (after - before) / crowd
}

// awaitMonitor waits for five readings of the memory monitor of a hub at rest, after which the hub
// has released what a peak needed.
func (w *witness) awaitMonitor(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var last time.Time
	readings := 0
	if err := settle.Until(ctx, func() error {
		if at := w.target.Hub.Stats().Memory.At; !at.Equal(last) {
			last = at
			readings++
		}
		if readings < 5 {
			return fmt.Errorf("the memory monitor has taken %d readings, want 5", readings)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// warmUp makes the runtime allocate goroutine descriptors, which it never frees.
func warmUp() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 20 * crowd {
		wg.Go(func() { <-ctx.Done() })
	}
	cancel()
	wg.Wait()
}

// gather joins n peers that send large messages. The function returned disconnects them.
func (w *witness) gather(t *testing.T, n int) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), witnessWait)
	defer cancel()
	peers := make([]*wire.Conn, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { peers[i], errs[i] = w.joinTalker(ctx, visit(w.target, i)) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return func() {
		for _, c := range peers {
			c.Close()
		}
	}
}

// joinTalker joins with a large announce and sends a large signal to an id that is not connected.
func (w *witness) joinTalker(ctx context.Context, v *harness.Visit) (*wire.Conn, error) {
	c, err := dialWitness(ctx, w.target, v.ID, "")
	if err != nil {
		return nil, err
	}
	blob, _ := json.Marshal(strings.Repeat("x", 50<<10))
	network := "held " + string(v.ID)
	err = errors.Join(c.Announce(network, map[string]any{"blob": fmt.Sprintf("%07000d", v.Index)}),
		c.Signal(wire.KindOffer, wire.NewPeerID(), network, blob), c.SendRaw([]byte(`{"type":"ping"}`)))
	c.SetReceiveDeadline(time.Now().Add(witnessWait))
	for err == nil {
		var m wire.Message
		if m, err = c.Receive(); m.Type == wire.KindPong.String() {
			break
		}
	}
	return c, err
}
