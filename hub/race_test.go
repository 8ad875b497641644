package hub_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// raceSeedEnv replays a run of TestG3EverythingAtOnce, as far as the scheduler
// lets it.
const raceSeedEnv = "PIGEONHUB_RACE_SEED"

const (
	raceIDs   = 48  // fewer than peers: some meet the holder of their id
	raceLives = 100 // at least
)

// G3: PeerPigeon-Go reads its maps unlocked and dies of it. Here 64 peers with
// 48 ids do everything at once for two seconds or more, tools look at the hub from all
// sides, and Shutdown comes in the middle. It is for the race detector.
func TestG3EverythingAtOnce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv(raceSeedEnv); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprintf(t.Output(), "%s=%d\n", raceSeedEnv, seed)
	w := newWorld(t, hub.Config{
		Logger: slog.New(slog.DiscardHandler), MaxConnections: 44, HubPeerIDs: []wire.PeerID{raceID(0), raceID(1)}, IsHub: true,
		MessageRate: -1, AnnounceRate: -1, QueueBytes: 64 << 10, QueueBytesTotal: 1 << 20, ProbeTimeout: 50 * time.Millisecond,
		PingInterval: 30 * time.Millisecond, PongTimeout: 100 * time.Millisecond, WriteTimeout: 100 * time.Millisecond,
		FirstMessageTimeout: 300 * time.Millisecond, MessageTimeout: 100 * time.Millisecond, CloseTimeout: 100 * time.Millisecond,
		DrainWindow: 300 * time.Millisecond, MaxSubscriptions: 4,
		Memory: hub.MemoryConfig{Interval: 20 * time.Millisecond, Sample: 5 * time.Millisecond},
	})
	stop, halt := context.WithCancel(t.Context())
	defer halt()
	var wg sync.WaitGroup
	var lives, dials atomic.Int64
	for i := range 64 {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		wg.Go(func() {
			for stop.Err() == nil {
				dials.Add(1)
				if w.liveAtRandom(stop, rng) {
					lives.Add(1)
				}
			}
		})
	}
	for i := range 4 {
		rng := rand.New(rand.NewPCG(seed, uint64(1000+i)))
		wg.Go(func() { w.lookAtRandom(stop, rng, fmt.Sprint("tool", i)) })
	}
	<-time.After(2 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-tick.C { // longer where the machine is slow
		if st := w.hub.Stats(); lives.Load() >= raceLives && st.Relayed > 0 && st.Discoveries > 0 {
			break
		}
	}
	for range 2 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := w.hub.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			w.wantEmpty()
			halt()
		})
	}
	wg.Wait()
	st := w.hub.Stats()
	fmt.Fprintf(t.Output(), "%d lives of %d dials, %d relayed, %d discoveries, ended %v\n", lives.Load(), dials.Load(), st.Relayed, st.Discoveries, st.Ended)
	if st.Panics > 0 || lives.Load() < raceLives || st.Relayed == 0 || st.Discoveries == 0 {
		t.Errorf("panics %d, lives %d, relayed %d, discoveries %d: too little happened", st.Panics, lives.Load(), st.Relayed, st.Discoveries)
	}
}

func raceID(n int) wire.PeerID { return wire.PeerID(fmt.Sprintf("%040x", n)) }

// liveAtRandom is the life of one peer, from the dial to one of many ends. It
// reports whether the hub let it in.
func (w *world) liveAtRandom(stop context.Context, rng *rand.Rand) bool {
	ctx, cancel := context.WithTimeout(stop, 5*time.Second)
	defer cancel()
	c, err := wire.Dial(ctx, w.url, raceID(rng.IntN(raceIDs)), &wire.DialOptions{WriteTimeout: time.Second})
	if err != nil {
		return false
	}
	p := &peer{Conn: c, w: w, name: "racer"}
	if rng.IntN(5) > 0 { // else it never reads
		done := p.swallow()
		defer func() { <-done }()
	}
	defer p.Close()
	for range rng.IntN(60) {
		if stop.Err() != nil || !p.actAtRandom(rng) {
			break
		}
	}
	return true
}

// actAtRandom does one thing and reports whether the connection goes on.
func (p *peer) actAtRandom(rng *rand.Rand) bool {
	network := fmt.Sprint("n", rng.IntN(5)/4) // most in one
	target := raceID(rng.IntN(raceIDs))
	if rng.IntN(3) == 0 {
		target = p.ID() // is here for sure
	}
	switch n := rng.IntN(30); {
	case n < 5:
		return p.Announce(network, map[string]any{"isHub": rng.IntN(2) == 0}) == nil
	case n < 6:
		return p.Announce(wire.DefaultMeshNamespace, nil) == nil
	case n < 20:
		kind := wire.KindOffer + wire.Kind(rng.IntN(3))
		return p.Signal(kind, target, network, offerOf(2+rng.IntN(1<<rng.IntN(15)))) == nil
	case n < 21:
		return p.SendRaw([]byte(`{"type":"ping"}`)) == nil
	case n < 23:
		return p.SendRaw([]byte(`{"type":"peer-discovered","networkName":"`+network+`","data":{"peerId":"`+string(target)+`"}}`)) == nil
	case n < 24:
		return p.frames(hostile.TextFrame(`{"type":"cleanup"}`), hostile.TextFrame(`null`), hostile.Frame(hostile.Final|hostile.Ping, []byte("x"))) == nil
	case n < 28:
		time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond) // a pause is what is tried here
		return true
	default:
		p.endAtRandom(rng)
		return false
	}
}

func (p *peer) endAtRandom(rng *rand.Rand) {
	switch rng.IntN(6) {
	case 0:
		p.reset()
	case 1:
		p.Leave("n0")
	case 2:
		p.frames(hostile.TextFrame(`{"type":"goodbye"}`), hostile.CloseFrame(1000, "bye"))
	case 3:
		p.frames([]byte{0xff, 0xff})
	case 4:
		p.frames(hostile.Header(hostile.Final|hostile.Text, 1<<30), []byte("{"))
	case 5:
		p.SendClose(4000, "reason")
	}
}

// lookAtRandom uses the hub's methods from another side.
func (w *world) lookAtRandom(stop context.Context, rng *rand.Rand, name string) {
	for stop.Err() == nil {
		switch rng.IntN(6) {
		case 0:
			if err := w.hub.CheckInvariants(); err != nil {
				w.Error(err)
				return
			}
		case 1:
			if st := w.hub.Stats(); st.Peers > st.Sessions || st.Announced > st.Peers || st.Networks > st.Announced {
				w.Errorf("Stats do not agree: %+v", st)
			}
		case 2:
			fmt.Fprint(io.Discard, w.hub.Hubs())
		default:
			w.subscribeAtRandom(stop, rng, name)
		}
	}
}

func (w *world) subscribeAtRandom(stop context.Context, rng *rand.Rand, name string) {
	sub, err := w.hub.Subscribe(name)
	if err != nil {
		if !errors.Is(err, hub.ErrTooManySubscriptions) && !errors.Is(err, hub.ErrClosed) {
			w.Error(err)
		}
		return
	}
	defer sub.Close()
	for range rng.IntN(50) {
		select {
		case e := <-sub.Events():
			e.Payload()
		case <-sub.Done():
			return
		case <-stop.Done():
			return
		}
	}
}
