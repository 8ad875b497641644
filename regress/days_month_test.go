package regress_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// What a day brings.
const (
	nightShift = 1    // peers that stay all the time and answer every ping, 115,000 in a month
	vanishing  = 5    // peers that answer nothing after their first message
	muteOnes   = 5    // peers that never send one
	noonCrowd  = 1000 // peers at once
)

// What a midnight may be above another. The hub without a leak was measured to
// differ by 130 objects and 16 KB in a month; one object that each of a day's peers
// leaves makes a thousand a day.
const (
	monthObjects = 400
	monthBytes   = 64 << 10
)

// month is a hub and those who use it.
type month struct {
	t      *testing.T
	target *hubtest.Target
	begin  time.Time

	staying sync.WaitGroup
	goHome  context.CancelFunc // of the night shift
	night   []*harness.Peer
	back    *harness.Peer // who comes back every few hours
	before  *midnightReading

	yesterday *midnightReading // for what a day's work leaves and a day's rest lets go
}

// midnightReading is the process with nobody there but the night shift.
type midnightReading struct {
	goroutines     int
	objects, bytes int64
}

func beginMonth(t *testing.T) *month {
	target, err := hubtest.StartPipes(hub.Config{
		// A reading every five minutes, not every other second: a month has 1.3 million of those.
		Memory: hub.MemoryConfig{Sample: 5 * time.Minute, Limit: 1 << 50},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := &month{t: t, target: target, begin: time.Now(), back: harness.NewPeer(target, "who comes back", wire.NewPeerID())}
	var shift context.Context
	shift, m.goHome = context.WithCancel(context.Background())
	t.Cleanup(m.end)
	for i := range nightShift {
		p := harness.NewPeer(target, fmt.Sprintf("night shift %d", i), wire.NewPeerID())
		m.must(p.Join(t.Context(), "night shift"))
		m.night = append(m.night, p)
		m.staying.Go(func() {
			if err := p.Listen(shift); err != nil {
				t.Errorf("%s was cut: %v", p.Name, err)
			}
		})
	}
	return m
}

func (m *month) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatalf("%s: %v", time.Since(m.begin), err)
	}
}

// until lets the time pass until an hour of a day.
func (m *month) until(day, hour, minute int) {
	at := time.Duration(24*(day-1)+hour)*time.Hour + time.Duration(minute)*time.Minute
	time.Sleep(time.Until(m.begin.Add(at)))
	synctest.Wait()
}

// work is a day.
func (m *month) work(day int) {
	m.until(day, 2, 0)
	m.comeBack(true)
	m.until(day, 7, 0)
	events, err := m.target.Hub.Subscribe(fmt.Sprint("day ", day))
	m.must(err)
	m.comeBack(false)
	m.until(day, 9, 0)
	m.lose()
	m.until(day, 12, 0)
	m.crowd(day)
	m.until(day, 16, 0)
	m.comeBack(true)
	m.until(day, 20, 0)
	if lost := events.Lost(); lost == 0 {
		m.t.Errorf("day %d: a subscriber who does not listen has lost nothing", day)
	}
	events.Close()
	m.comeBack(false)
}

// comeBack is a visit of some minutes under an id that was there before. A rude
// visitor leaves without a word, and has to be let in again at once.
func (m *month) comeBack(politely bool) {
	m.t.Helper()
	visit := func() {
		m.must(m.back.Join(m.t.Context(), fmt.Sprint("day trip ", time.Now())))
		stay, leave := context.WithTimeout(m.t.Context(), 5*time.Minute)
		defer leave()
		m.must(m.back.Listen(stay))
	}
	visit()
	if politely {
		m.must(m.back.Reset())
		return
	}
	old := m.back
	m.back = harness.NewPeer(m.target, old.Name, old.ID)
	visit() // the hub asks the old connection, which nobody reads any more
	m.must(m.back.Reset())
	m.must(old.Reset())
}

// lose is peers that the hub must find out about by itself.
func (m *month) lose() {
	m.t.Helper()
	was := m.target.Hub.Stats().Ended
	var lost sync.WaitGroup
	for i := range vanishing + muteOnes {
		c := m.dial()
		if i < vanishing {
			m.must(c.Announce(fmt.Sprint("the lost ", i), nil))
		}
		// What it is sent is taken in by the network, and that is all.
		lost.Go(func() { _, _ = io.Copy(io.Discard, c.NetConn()) })
	}
	lost.Wait() // until the hub has closed the last
	synctest.Wait()
	now := m.target.Hub.Stats().Ended
	for why, want := range map[wire.CloseReason]uint64{
		wire.ReasonPingTimeout: vanishing, wire.ReasonFirstMessageTimeout: muteOnes,
	} {
		if got := now[why.String()] - was[why.String()]; got != want {
			m.t.Errorf("%d were lost by %s, want %d", got, why, want)
		}
	}
}

func (m *month) dial() *wire.Conn {
	m.t.Helper()
	c, err := wire.Dial(m.t.Context(), m.target.URL(), wire.NewPeerID(), &wire.DialOptions{NetDialContext: m.target.Dial})
	m.must(err)
	return c
}

// crowd is the peak of a day: all come at once, and half of them say goodbye.
func (m *month) crowd(day int) {
	m.t.Helper()
	peers := make([]*wire.Conn, noonCrowd)
	for i := range peers {
		peers[i] = m.dial()
		_, err := peers[i].Receive()
		m.must(err)
		m.must(peers[i].Announce(fmt.Sprintf("day %d, table %d", day, i), nil))
	}
	synctest.Wait()
	m.wantHeld(noonCrowd, noonCrowd, 1)
	var leaving sync.WaitGroup
	for i, c := range peers {
		if i%2 == 0 {
			_ = c.Close()
			continue
		}
		leaving.Go(func() { goodbye(m.t, c, fmt.Sprintf("day %d, table %d", day, i)) })
	}
	leaving.Wait()
	synctest.Wait()
	m.wantHeld(0, 0, 1)
}

// goodbye says goodbye and waits for the hub's half.
func goodbye(t *testing.T, c *wire.Conn, network string) {
	err := c.Leave(network)
	for err == nil {
		_, err = c.Receive()
	}
	if closed := (*wire.CloseError)(nil); !errors.As(err, &closed) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	_ = c.Close()
}

// wantHeld compares what the hub says it holds, beside the night shift, with what
// is there.
func (m *month) wantHeld(peers, networks, subscriptions int) {
	m.t.Helper()
	st := m.target.Hub.Stats()
	for _, g := range []struct {
		what      string
		got, want int
	}{
		{"sessions", st.Sessions, peers + nightShift}, {"admitted", st.Admitted, peers + nightShift},
		{"peers", st.Peers, peers + nightShift}, {"memberships", st.Announced, peers + nightShift},
		{"networks", st.Networks, networks + 1}, {"subscriptions", st.Subscriptions, subscriptions},
		{"refused", st.Refused, 0}, {"probing", st.Probing, 0}, {"hubs", st.Hubs, 0},
		{"queued bytes", int(st.QueuedBytes), 0}, {"bytes being read", int(st.ReadingBytes), 0},
	} {
		if g.got != g.want {
			m.t.Errorf("%s: %d %s, want %d", time.Since(m.begin), g.got, g.what, g.want)
		}
	}
	if err := m.target.Check(); err != nil {
		m.t.Error(err)
	}
}

// midnight ends a day: the process is what it was at the end of the third.
func (m *month) midnight(day int) {
	m.t.Helper()
	m.until(day+1, 0, 0)
	m.wantHeld(0, 0, 0)
	for range 3 {
		runtime.GC()
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	now := &midnightReading{runtime.NumGoroutine(), int64(mem.HeapObjects), int64(mem.HeapAlloc)}
	if was := m.before; was != nil {
		m.compare(day, was, now)
	}
	if was := m.yesterday; day == 31 && (now.objects-was.objects < -monthObjects || now.bytes-was.bytes < -monthBytes) {
		m.t.Errorf("after a day of rest there are %d objects and %d bytes less: they were kept for a day", was.objects-now.objects, was.bytes-now.bytes)
	}
	m.yesterday = now
	if day == 3 {
		m.before = now
	}
	if m.t.Failed() {
		m.t.FailNow() // a timer that arms itself again is very busy after a month
	}
}

func (m *month) compare(day int, was, now *midnightReading) {
	m.t.Helper()
	objects, bytes := now.objects-was.objects, now.bytes-was.bytes
	m.t.Logf("day %d: %+d objects, %+d bytes, %+d goroutines", day, objects, bytes, now.goroutines-was.goroutines)
	if now.goroutines != was.goroutines {
		m.t.Errorf("day %d: %d goroutines, %d on day 3", day, now.goroutines, was.goroutines)
	}
	if objects > monthObjects || bytes > monthBytes {
		m.t.Errorf("day %d: %d objects and %d bytes more than on day 3", day, objects, bytes)
	}
}

// end is the shutdown. That nothing is left in the bubble then, synctest sees to.
func (m *month) end() {
	m.goHome()
	for _, p := range append(m.night, m.back) {
		if p.Connected() {
			_ = p.Reset() // it may have been cut
		}
	}
	m.staying.Wait()
	if err := errors.Join(shutDown(m.target, stopLimit), m.target.Check()); err != nil {
		m.t.Error(err)
	}
}
