package regress_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// The peers of a day.
const (
	residents = 1    // stay for the month and answer every ping, 115,000 in all
	vanishing = 5    // answer nothing after their first message
	silent    = 5    // send no message
	peakPeers = 1000 // connect at once at noon
)

// The growth that is tolerated between two midnights. A hub without a leak was measured to
// grow by at most 130 objects and 16 KB in a month. One object for each peer of a day makes a
// thousand a day.
const (
	monthObjects = 400
	monthBytes   = 64 << 10
)

// month is a hub and its peers over thirty virtual days.
type month struct {
	t      *testing.T
	target *hubtest.Target
	begin  time.Time

	staying  sync.WaitGroup     // the reading goroutines of stayers
	release  context.CancelFunc // ends them
	stayers  []*harness.Peer
	returner *harness.Peer // connects every few hours with the same id

	baseline  *midnightReading // of day 3
	yesterday *midnightReading
}

// midnightReading is what the process holds while only the residents are connected.
type midnightReading struct {
	goroutines     int
	objects, bytes int64
}

func beginMonth(t *testing.T) *month {
	target, err := hubtest.StartPipes(hub.Config{
		// The default is a reading every two seconds, 1.3 million in a month.
		Memory: hub.MemoryConfig{Sample: 5 * time.Minute, Limit: 1 << 50},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := &month{t: t, target: target, begin: time.Now(), returner: harness.NewPeer(target, "the returner", wire.NewPeerID())}
	var month context.Context
	month, m.release = context.WithCancel(context.Background())
	t.Cleanup(m.end)
	for i := range residents {
		p := harness.NewPeer(target, fmt.Sprintf("resident %d", i), wire.NewPeerID())
		m.must(p.Join(t.Context(), "residents"))
		m.stayers = append(m.stayers, p)
		m.staying.Go(func() {
			if err := p.Listen(month); err != nil {
				t.Errorf("%s lost its session: %v", p.Name, err)
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

// until sleeps until a time of a day, then until the bubble is idle.
func (m *month) until(day, hour, minute int) {
	at := time.Duration(24*(day-1)+hour)*time.Hour + time.Duration(minute)*time.Minute
	time.Sleep(time.Until(m.begin.Add(at)))
	synctest.Wait()
}

// work runs the peers of a day.
func (m *month) work(day int) {
	m.until(day, 2, 0)
	m.visit(true)
	m.until(day, 7, 0)
	events, err := m.target.Hub.Subscribe(fmt.Sprint("day ", day))
	m.must(err)
	m.visit(false)
	m.until(day, 9, 0)
	m.loseSilently()
	m.until(day, 12, 0)
	m.peak(day)
	m.until(day, 16, 0)
	m.visit(true)
	m.until(day, 20, 0)
	if lost := events.Lost(); lost == 0 {
		m.t.Errorf("day %d: a subscription that is not read lost no event", day)
	}
	events.Close()
	m.visit(false)
}

// visit joins for some minutes with an id that was connected before. Unless clean, the peer
// leaves its connection open and joins again, so that the hub must probe the old one.
func (m *month) visit(clean bool) {
	m.t.Helper()
	stay := func() {
		m.must(m.returner.Join(m.t.Context(), fmt.Sprint("visit ", time.Now())))
		minutes, cancel := context.WithTimeout(m.t.Context(), 5*time.Minute)
		defer cancel()
		m.must(m.returner.Listen(minutes))
	}
	stay()
	if clean {
		m.must(m.returner.Reset())
		return
	}
	old := m.returner
	m.returner = harness.NewPeer(m.target, old.Name, old.ID)
	stay() // the old connection does not answer the probe
	m.must(m.returner.Reset())
	m.must(old.Reset())
}

// loseSilently connects peers that stop answering, and expects that the hub ends each by the
// right timeout.
func (m *month) loseSilently() {
	m.t.Helper()
	was := m.target.Hub.Stats().Ended
	var lost sync.WaitGroup
	for i := range vanishing + silent {
		c := m.dial()
		if i < vanishing {
			m.must(c.Announce(fmt.Sprint("lost ", i), nil))
		}
		// The bytes are read, because a pipe has no buffer, but no ping is answered.
		lost.Go(func() { _, _ = io.Copy(io.Discard, c.NetConn()) })
	}
	lost.Wait() // until the hub has closed the last connection
	synctest.Wait()
	now := m.target.Hub.Stats().Ended
	for why, want := range map[wire.CloseReason]uint64{
		wire.ReasonPingTimeout: vanishing, wire.ReasonFirstMessageTimeout: silent,
	} {
		if got := now[why.String()] - was[why.String()]; got != want {
			m.t.Errorf("%d sessions ended by %s, want %d", got, why, want)
		}
	}
}

func (m *month) dial() *wire.Conn {
	m.t.Helper()
	c, err := wire.Dial(m.t.Context(), m.target.URL(), wire.NewPeerID(), &wire.DialOptions{NetDialContext: m.target.Dial})
	m.must(err)
	return c
}

// peak connects peakPeers at once. Half of them send goodbye before they leave.
func (m *month) peak(day int) {
	m.t.Helper()
	peers := make([]*wire.Conn, peakPeers)
	for i := range peers {
		peers[i] = m.dial()
		_, err := peers[i].Receive()
		m.must(err)
		m.must(peers[i].Announce(fmt.Sprintf("day %d, network %d", day, i), nil))
	}
	synctest.Wait()
	m.wantStats(peakPeers, peakPeers, 1)
	var leaving sync.WaitGroup
	for i, c := range peers {
		if i%2 == 0 {
			_ = c.Close()
			continue
		}
		leaving.Go(func() { goodbye(m.t, c, fmt.Sprintf("day %d, network %d", day, i)) })
	}
	leaving.Wait()
	synctest.Wait()
	m.wantStats(0, 0, 1)
}

// goodbye sends goodbye and a close frame, and waits until the hub has closed.
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

// wantStats compares the hub's Stats with what must be connected beside the residents.
func (m *month) wantStats(peers, networks, subscriptions int) {
	m.t.Helper()
	st := m.target.Hub.Stats()
	for _, g := range []struct {
		what      string
		got, want int
	}{
		{"sessions", st.Sessions, peers + residents}, {"admitted", st.Admitted, peers + residents},
		{"peers", st.Peers, peers + residents}, {"memberships", st.Announced, peers + residents},
		{"networks", st.Networks, networks + 1}, {"subscriptions", st.Subscriptions, subscriptions},
		{"refused", st.Refused, 0}, {"probing", st.Probing, 0}, {"hubs", st.Hubs, 0},
		{"queued bytes", int(st.QueuedBytes), 0}, {"bytes being read", int(st.ReadingBytes), 0},
	} {
		if g.got != g.want {
			m.t.Errorf("%s: %d %s, want %d", time.Since(m.begin), g.got, g.what, g.want)
		}
	}
	if err := m.target.Check(); err != nil {
		m.t.Error(beginning(err))
	}
}

// readMidnight waits for the end of a day and compares the process with the baseline.
func (m *month) readMidnight(day int) {
	m.t.Helper()
	m.until(day+1, 0, 0)
	m.wantStats(0, 0, 0)
	for range 3 {
		runtime.GC()
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	now := &midnightReading{runtime.NumGoroutine(), int64(mem.HeapObjects), int64(mem.HeapAlloc)}
	if was := m.baseline; was != nil {
		m.compare(day, was, now)
	}
	if was := m.yesterday; day == 31 && (now.objects-was.objects < -monthObjects || now.bytes-was.bytes < -monthBytes) {
		m.t.Errorf("a day without peers released %d objects and %d bytes, which were retained for a day", was.objects-now.objects, was.bytes-now.bytes)
	}
	m.yesterday = now
	if day == 3 {
		m.baseline = now
	}
	if m.t.Failed() {
		m.t.FailNow() // a timer that rearms itself would make the rest of the month slow
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

// end disconnects the peers and shuts the hub down. synctest fails if a goroutine is left.
func (m *month) end() {
	m.release()
	for _, p := range append(m.stayers, m.returner) {
		if p.Connected() {
			_ = p.Reset() // the hub may have ended the session
		}
	}
	m.staying.Wait()
	if err := errors.Join(shutDown(m.target, stopLimit), m.target.Check()); err != nil {
		m.t.Error(beginning(err))
	}
}

// beginning returns the first lines of an error. One leak may break an invariant a thousand times.
func beginning(err error) string {
	const most = 5
	lines := strings.Split(err.Error(), "\n")
	if len(lines) <= most {
		return err.Error()
	}
	return fmt.Sprintf("%s\nand %d more", strings.Join(lines[:most], "\n"), len(lines)-most)
}
