package hub_test

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// bystanderBound limits the harm of an abuse to other peers: the longest time to the answer of a
// ping, less the longest time of an echo without a hub on the same machine meanwhile, because other
// tests may delay both. Under the race detector no time is judged.
const bystanderBound = 250 * time.Millisecond

// abuse is one way in which a client may attack a hub.
type abuse struct {
	name    string
	limits  func(*hub.Config)      // nil: abuseLimits as they are
	attack  func(*world)           // asserts what the offender sees
	counted func(hub.Stats) uint64 // the counter of the hub that must rise
	times   uint64                 // by how much at least
}

// abuseLimits returns short limits where well-behaved peers need no longer ones. The rows that test
// a timeout shorten it.
func abuseLimits() hub.Config {
	return hub.Config{
		WriteTimeout: 500 * time.Millisecond,
		CloseTimeout: 200 * time.Millisecond,
		MessageRate:  500,
		QueueBytes:   256 << 10,
		DrainWindow:  -1,
	}
}

func shortMessages(c *hub.Config)      { c.MessageTimeout = 300 * time.Millisecond }
func shortFirstMessages(c *hub.Config) { c.FirstMessageTimeout = 2 * time.Second }
func shortPings(c *hub.Config)         { c.PingInterval, c.PongTimeout = time.Second, 5*time.Second }

// Under each abuse the hub keeps running, cuts the offender and counts it, and two peers of another
// network are not affected. The test is not parallel, because it measures times.
func TestAbuse(t *testing.T) {
	rows := append(append(append(handshakeAbuses, frameAbuses...), messageAbuses...), crowdAbuses...)
	for _, a := range rows {
		t.Run(a.name, func(t *testing.T) {
			cfg := abuseLimits()
			if a.limits != nil {
				a.limits(&cfg)
			}
			w := newWorld(t, cfg)
			quiet := w.watchBystanders()
			a.attack(w)
			w.wantCount("what the hub counts", a.counted, a.times)
			w.wantSessions(2) // the offenders are gone
			worst, control := quiet()
			fmt.Fprintf(t.Output(), "bystanders waited %v at worst, an echo without a hub %v\n", worst, control)
			if worst-control > bystanderBound && !raceDetector {
				t.Errorf("bystanders waited %v and an echo without a hub %v, want %v more at most", worst, control, bystanderBound)
			}
			w.wantStats(2, 2, 1, 0)
			w.settle(func(st hub.Stats) string {
				if st.Panics > 0 || st.QueuedBytes != 0 {
					return fmt.Sprintf("panics %d, queued %d bytes", st.Panics, st.QueuedBytes)
				}
				return ""
			})
		})
	}
}

// watchBystanders has two peers of a quiet network ping without end. The function
// it returns stops them, asserts that they heard of nothing and still reach each
// other and that others can join, and returns the longest round trip, and the
// longest of two echoes that have nothing to do with the hub.
func (w *world) watchBystanders() (stop func() (worst, control time.Duration)) {
	alice, bob := w.join("alice", "quiet"), w.join("bob", "quiet")
	alice.want("peer-discovered")
	var wg sync.WaitGroup
	var worst [4]time.Duration
	done := make(chan struct{})
	const pause, control = 5 * time.Millisecond, 2 // as many controls as bystanders: the worst is of as many trips
	for i, trip := range []func(){alice.wantNothing, bob.wantNothing, w.echo(), w.echo()} {
		wg.Go(func() {
			tick := time.NewTicker(pause)
			defer tick.Stop()
			ended := time.Now()
			for {
				began := time.Now()
				// Where there is much to do a ping is nearly always under way, an echo hardly
				// ever: what stops the whole process would show in the ping alone.
				if due := ended.Add(pause); i >= control && due.Before(began) {
					began = due
				}
				trip()
				ended = time.Now()
				worst[i] = max(worst[i], ended.Sub(began))
				select {
				case <-done:
					return
				case <-tick.C:
				}
			}
		})
	}
	halt := sync.OnceFunc(func() {
		close(done)
		wg.Wait()
	})
	w.Cleanup(halt)
	return func() (time.Duration, time.Duration) {
		halt()
		alice.Signal(wire.KindOffer, bob.ID(), "quiet", []byte(`1`))
		if m := bob.next(); m.Type != "offer" {
			w.Errorf("bob got %+v, want the offer of alice", m)
		}
		newcomer := w.join("newcomer", "quiet")
		bob.wantTold("peer-discovered", newcomer)
		newcomer.Close()
		bob.want("peer-disconnected")
		return max(worst[0], worst[1]), max(worst[2], worst[3])
	}
}

// echo returns a round trip over loopback TCP without a hub.
func (w *world) echo() (trip func()) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	here, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		w.Fatal(err)
	}
	there, err := ln.Accept()
	if err != nil {
		w.Fatal(err)
	}
	ln.Close()
	var wg sync.WaitGroup
	wg.Go(func() { io.Copy(there, there) })
	w.Cleanup(func() {
		here.Close()
		wg.Wait()
		there.Close()
	})
	var b [1]byte
	return func() {
		_, err := here.Write(b[:])
		if err == nil {
			_, err = io.ReadFull(here, b[:])
		}
		if err != nil {
			w.Errorf("echo: %v", err)
		}
	}
}

// swallow reads for the peer, and so answers pings, until its connection ends.
func (p *peer) swallow() (ended <-chan struct{}) {
	done := make(chan struct{})
	p.SetReceiveDeadline(time.Time{})
	go func() {
		defer close(done)
		for {
			if _, err := p.ReceiveRaw(); err != nil {
				p.Close()
				return
			}
		}
	}()
	return done
}

// flood sends the same bytes until the hub has cut the peer, for 5 seconds at
// most. It reads all the while.
func (p *peer) flood(bytes []byte) {
	p.w.Helper()
	ended := p.swallow()
	for began := time.Now(); time.Since(began) < 5*time.Second; {
		if p.frames(bytes) != nil {
			break
		}
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		p.w.Errorf("%s: not cut", p.name)
		p.Close()
		<-ended
	}
}

// together runs f(0) to f(n-1) at the same time.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
