//go:build linux

package hub_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"testing"
	"time"
)

const (
	benchWarm    = 300 * time.Millisecond
	benchMeasure = 2 * time.Second
)

// BenchmarkRelay measures one relayed offer. In each of 500 pairs one offer of 1.2 KB goes back and forth: the receiver
// answers with an offer. Two offers in a pair would catch up with each other and then share one read and one write;
// msg/read shows that this does not happen.
func BenchmarkRelay(b *testing.B) {
	benchCompare(b, benchScenario{run: func(kind string) (benchSample, error) { return runRelay(kind, 500, 1) }})
}

// BenchmarkRelayPipelined: 200 pairs with 32 offers in flight each. A peer answers all it got by one read(2), which is
// six at most, with one write(2): a server that writes together what belongs together has less to do, as it should.
func BenchmarkRelayPipelined(b *testing.B) {
	benchCompare(b, benchScenario{run: func(kind string) (benchSample, error) { return runRelay(kind, 200, 32) }})
}

// relayEnd is one peer of a pair.
type relayEnd struct {
	*benchPeer
	mate  string
	offer int    // bytes of one offer frame
	batch []byte // as many offers as can ever be due at once

	received, sent, reads atomic.Int64
	size                  int // of every relayed envelope: they differ in nothing that has a length
	err                   error
}

func runRelay(kind string, pairs, inFlight int) (benchSample, error) {
	server, err := startBenchChild(kind)
	if err != nil {
		return nil, err
	}
	defer server.stop()
	f, err := dialBenchFleet(server.addr, 0, 2*pairs, 8<<10, benchGroups(2))
	if err != nil {
		return nil, err
	}
	defer f.close()
	ends, err := pairUp(f, inFlight)
	if err != nil {
		return nil, err
	}
	var stop atomic.Bool
	sent := func() int64 { return sumEnds(ends, func(e *relayEnd) int64 { return e.sent.Load() }) }
	received := func() int64 { return sumEnds(ends, func(e *relayEnd) int64 { return e.received.Load() }) }
	for _, e := range ends {
		f.wg.Go(func() { e.err = e.run(&stop) })
	}
	for i := 0; i < len(ends); i += 2 {
		if err := errors.Join(ends[i].send((inFlight+1)/2), ends[i+1].send(inFlight/2)); err != nil {
			return nil, err
		}
	}
	time.Sleep(benchWarm)
	w, err := server.measureFor(benchMeasure, received)
	if err != nil {
		return nil, err
	}

	// Nothing may be lost and nothing may come twice: once the ends stop answering, all that was sent has arrived.
	stop.Store(true)
	time.Sleep(100 * time.Millisecond)
	err = benchWantExactly("offers relayed", sent(), received)
	server.stop() // before the peers go, or they would hear of each other's going
	f.close()
	for _, e := range ends {
		if !benchExpectedEnd(e.err) {
			err = errors.Join(err, fmt.Errorf("peer %s: %w", e.id[:8], e.err))
		}
	}
	if err != nil {
		return nil, err
	}
	reads := sumEnds(ends, func(e *relayEnd) int64 { return e.reads.Load() })
	return append(w.perUnit("msg"), benchMetric{"msg/read", float64(received()) / float64(reads)}), nil
}

// pairUp announces neighbours into a network each and waits until they know of each other.
func pairUp(f *benchFleet, inFlight int) ([]*relayEnd, error) {
	ends := make([]*relayEnd, len(f.peers))
	if err := f.announceAll(); err != nil {
		return nil, err
	}
	err := benchParallel(len(f.peers), benchWorkers, func(i int) error {
		p, mate := f.peers[i], f.peers[i^1].id
		offer := benchOffer(mate, p.network)
		ends[i] = &relayEnd{benchPeer: p, mate: mate, offer: len(offer), batch: bytes.Repeat(offer, inFlight)}
		payload, err := p.next()
		if err == nil && !bytes.Contains(payload, []byte(`"type":"peer-discovered"`)) {
			err = fmt.Errorf("got %q, want peer-discovered", payload)
		}
		return err
	})
	return ends, err
}

func (e *relayEnd) send(n int) error {
	if n == 0 {
		return nil
	}
	e.sent.Add(int64(n))
	return e.write(e.batch[:n*e.offer])
}

func (e *relayEnd) run(stop *atomic.Bool) error {
	for {
		n := 0
		for first := true; first || e.whole(); first = false {
			payload, err := e.next()
			if err != nil {
				return err
			}
			if err := e.check(payload); err != nil {
				return err
			}
			n++
		}
		e.received.Add(int64(n))
		e.reads.Add(1)
		if stop.Load() {
			continue
		}
		if err := e.send(n); err != nil {
			return err
		}
	}
}

// check reads the first offer whole, and of the others only the length: cheap, and yet nothing else passes for an offer.
func (e *relayEnd) check(payload []byte) error {
	if e.size != 0 {
		if len(payload) != e.size {
			return fmt.Errorf("got %d B, want %d: %q", len(payload), e.size, payload)
		}
		return nil
	}
	var got struct {
		Type, FromPeerID, TargetPeerID, NetworkName string
		Data                                        map[string]string
		Timestamp                                   int64
	}
	if err := json.Unmarshal(payload, &got); err != nil {
		return err
	}
	var data map[string]string
	if err := json.Unmarshal(benchOfferData(), &data); err != nil {
		return err
	}
	if got.Type != "offer" || got.FromPeerID != e.mate || got.TargetPeerID != e.id || got.NetworkName != e.network ||
		!maps.Equal(got.Data, data) || time.Since(time.UnixMilli(got.Timestamp)).Abs() > time.Minute {
		return fmt.Errorf("not the offer of %s: %q", e.mate, payload)
	}
	e.size = len(payload)
	return nil
}

func sumEnds(ends []*relayEnd, count func(*relayEnd) int64) int64 {
	var sum int64
	for _, e := range ends {
		sum += count(e)
	}
	return sum
}
