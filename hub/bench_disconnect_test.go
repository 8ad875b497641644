//go:build linux

package hub_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

const (
	strangerNetwork = 5
	quietLeavers    = 200 // leave while nothing else happens: server CPU
	watchedLeavers  = 100 // leave while a peer dials, whose time is measured
)

// BenchmarkDisconnect measures one disconnect: from the close frame of one peer of a pair to the notification of the
// other, among 15,000 peers of other networks, which have five members each. The pairs leave one after the other.
// worst-dial-ms is the slowest new connection (dial, upgrade, frame `connected`) while others leave.
func BenchmarkDisconnect(b *testing.B) {
	benchCompare(b, benchScenario{run: func(kind string) (benchSample, error) { return runDisconnect(kind, 15000) }})
}

func runDisconnect(kind string, strangers int) (benchSample, error) {
	server, err := startBenchChild(kind)
	if err != nil {
		return nil, err
	}
	defer server.stop()
	crowd, err := dialBenchFleet(server.addr, 0, strangers, 512, benchGroups(strangerNetwork))
	if err != nil {
		return nil, err
	}
	defer crowd.close()
	if err := crowd.settleIn(strangerNetwork); err != nil {
		return nil, err
	}
	pairNetwork := func(i int) string { return fmt.Sprintf("pair-%d", i/2) }
	pairs, err := dialBenchFleet(server.addr, strangers, 2*(quietLeavers+watchedLeavers), 2<<10, pairNetwork)
	if err != nil {
		return nil, err
	}
	defer pairs.close()
	if err := pairs.settleIn(2); err != nil {
		return nil, err
	}
	if _, err := server.ask("gc"); err != nil { // the garbage of arrival is not the leavers'
		return nil, err
	}

	var left atomic.Int64
	start, err := server.mark(left.Load)
	if err != nil {
		return nil, err
	}
	if err := leavePairs(pairs.peers[:2*quietLeavers], &left, 0); err != nil {
		return nil, err
	}
	end, err := server.mark(left.Load)
	if err != nil {
		return nil, err
	}
	w, err := benchBetween(start, end)
	if err != nil {
		return nil, err
	}
	worst, err := dialWhile(server.addr, func() error {
		return leavePairs(pairs.peers[2*quietLeavers:], &left, 5*time.Millisecond)
	})
	if err != nil {
		return nil, err
	}
	// No peer outside of a pair may have been notified, neither of a leaver nor of the dialer.
	if err := crowd.stillThere(strangers * strangerNetwork); err != nil {
		return nil, err
	}
	return benchSample{
		{"cpu-ms/disconnect", w.cpu / w.units / 1e6},
		{"allocs/disconnect", w.mallocs / w.units},
		{"worst-dial-ms", worst.Seconds() * 1e3},
		{"ns/op", float64(w.wall) / w.units},
	}, nil
}

// leavePairs makes the first of each pair leave. It waits until the second is notified and the first is closed.
func leavePairs(peers []*benchPeer, left *atomic.Int64, pause time.Duration) error {
	for i := 0; i < len(peers); i += 2 {
		leaver, mate := peers[i], peers[i+1]
		before := mate.texts.Load()
		if err := leaver.write(benchLeaveFrame); err != nil {
			return err
		}
		for end := time.Now().Add(10 * time.Second); mate.texts.Load() == before || !leaver.ended.Load(); {
			if time.Now().After(end) {
				return fmt.Errorf("after 10 s: mate notified %v, leaver closed %v", mate.texts.Load() != before, leaver.ended.Load())
			}
			time.Sleep(20 * time.Microsecond)
		}
		left.Add(1)
		time.Sleep(pause)
	}
	return nil
}

// dialWhile connects and leaves, again and again, while do is at it, and returns the longest time to get in.
func dialWhile(addr string, do func() error) (worst time.Duration, err error) {
	result := make(chan error, 1)
	go func() { result <- do() }()
	buf := make([]byte, 2<<10)
	for n := 1 << 20; ; n++ { // ids that are in no fleet
		select {
		case err := <-result:
			return worst, err
		default:
		}
		start := time.Now()
		p, err := dialBenchPeer(addr, benchPeerID(n), "", buf)
		if err != nil {
			<-result
			return 0, fmt.Errorf("fresh dial: %w", err)
		}
		worst = max(worst, time.Since(start))
		if err := p.leave(); err != nil {
			<-result
			return 0, err
		}
		time.Sleep(time.Millisecond)
	}
}
