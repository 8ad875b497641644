//go:build linux

package hub_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkJoin: 1,000 connected peers announce into one network at once, until all know all. Unit: one peer-discovered;
// there must be 999,000 of them.
func BenchmarkJoin(b *testing.B) {
	benchCompare(b, benchScenario{run: func(kind string) (benchSample, error) { return runJoin(kind, 1000) }})
}

func runJoin(kind string, n int) (benchSample, error) {
	server, err := startBenchChild(kind, benchQueueEnv+"=4096") // with 256 naive cuts the newcomers
	if err != nil {
		return nil, err
	}
	defer server.stop()
	f, err := dialBenchFleet(server.addr, 0, n, 32<<10, func(int) string { return "everybody" })
	if err != nil {
		return nil, err
	}
	defer f.close()
	heard := make([][][]byte, 10) // a few keep the payloads that they receive, all count them
	for i := range heard {
		f.peers[i*n/len(heard)].seen = func(payload []byte) { heard[i] = append(heard[i], bytes.Clone(payload)) }
	}
	f.read()

	start, err := server.mark(f.texts)
	if err != nil {
		return nil, err
	}
	if err := f.announceAll(); err != nil {
		return nil, err
	}
	want := int64(n + n*(n-1)) // n were `connected`
	if err := benchWaitCount("peers discovered", want, f.texts); err != nil {
		return nil, err
	}
	end, err := server.mark(f.texts)
	if err != nil {
		return nil, err
	}
	if err := benchWantExactly("peers discovered", want, f.texts); err != nil {
		return nil, err
	}
	server.stop() // before the peers go, or they would hear of each other's going
	f.close()
	for i, payloads := range heard {
		if err := heardOfAll(f, f.peers[i*n/len(heard)], payloads); err != nil {
			return nil, err
		}
	}
	w, err := benchBetween(start, end)
	if err != nil {
		return nil, err
	}
	return append(w.perUnit("discovery"), benchMetric{"all-know-all-s", w.wall.Seconds()}), nil
}

// heardOfAll checks that payloads introduce every other peer to p, each once.
func heardOfAll(f *benchFleet, p *benchPeer, payloads [][]byte) error {
	missing := make(map[string]bool)
	for _, other := range f.peers {
		missing[other.id] = other != p
	}
	for _, payload := range payloads {
		var got struct {
			Type, NetworkName, TargetPeerID string
			Data                            struct{ PeerID string }
		}
		if err := json.Unmarshal(payload, &got); err != nil {
			return err
		}
		if got.Type != "peer-discovered" || got.NetworkName != p.network || got.TargetPeerID != p.id ||
			!missing[got.Data.PeerID] {
			return fmt.Errorf("peer %s received an introduction twice or a wrong one: %q", p.id[:8], payload)
		}
		missing[got.Data.PeerID] = false
	}
	for id, still := range missing {
		if still {
			return fmt.Errorf("peer %s was not notified of %s", p.id[:8], id)
		}
	}
	return nil
}

// churnMates is how many stay in a network while the tenth comes and goes.
const churnMates = 9

// BenchmarkChurn: 64 workers, each the tenth of a network of ten: connect, announce, wait for the nine, close politely and
// wait for the server to close, again and again under new ids. Unit: one such cycle, which is 27 frames to clients.
func BenchmarkChurn(b *testing.B) {
	benchCompare(b, benchScenario{run: func(kind string) (benchSample, error) { return runChurn(kind, benchWorkers) }})
}

func runChurn(kind string, workers int) (benchSample, error) {
	server, err := startBenchChild(kind)
	if err != nil {
		return nil, err
	}
	defer server.stop()
	f, err := dialBenchFleet(server.addr, 0, workers*churnMates, 4<<10, benchGroups(churnMates))
	if err != nil {
		return nil, err
	}
	defer f.close()
	for _, p := range f.peers {
		p.tally = true
	}
	if err := f.settleIn(churnMates); err != nil {
		return nil, err
	}

	var cycles, ids atomic.Int64
	ids.Store(int64(len(f.peers)))
	stop := time.Now().Add(benchWarm + benchMeasure + time.Second) // outlasts the window; stragglers are no matter
	result := make(chan error, 1)
	go func() {
		result <- benchParallel(workers, workers, func(i int) error {
			buf := make([]byte, 8<<10)
			for time.Now().Before(stop) {
				id := benchPeerID(int(ids.Add(1)))
				if err := churnOnce(server.addr, id, f.peers[i*churnMates].network, buf); err != nil {
					return fmt.Errorf("cycle: %w", err)
				}
				cycles.Add(1)
			}
			return nil
		})
	}()
	time.Sleep(benchWarm)
	w, err := server.measureFor(benchMeasure, cycles.Load)
	if failed := <-result; failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	return w.perUnit("cycle"), churnTold(f, cycles.Load())
}

// churnOnce runs one cycle. The peer must be notified of the other members, and of nothing else.
func churnOnce(addr, id, network string, buf []byte) error {
	p, err := dialBenchPeer(addr, id, network, buf)
	if err != nil {
		return err
	}
	if err := p.announce(); err != nil {
		return err
	}
	for range churnMates {
		payload, err := p.next()
		if err != nil {
			return err
		}
		if !bytes.Contains(payload, []byte(`"type":"peer-discovered"`)) {
			return fmt.Errorf("got %q, want peer-discovered", payload)
		}
	}
	return p.leave()
}

// churnTold checks that the mates heard of every coming and every going once.
func churnTold(f *benchFleet, cycles int64) error {
	atFirst := int64(len(f.peers) * (churnMates - 1))
	discovered := func() int64 { return f.sum(func(p *benchPeer) int64 { return p.discovered.Load() }) }
	if err := benchWantExactly("comings", atFirst+cycles*churnMates, discovered); err != nil {
		return err
	}
	gone := func() int64 { return f.sum(func(p *benchPeer) int64 { return p.gone.Load() }) }
	return benchWantExactly("goings", cycles*churnMates, gone)
}
