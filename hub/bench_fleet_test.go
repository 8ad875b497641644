//go:build linux

package hub_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
)

const benchWorkers = 64 // that dial, announce or leave at a time

// benchFleet is a set of connected peers, and the goroutines that read for them.
type benchFleet struct {
	peers []*benchPeer
	wg    sync.WaitGroup
}

// dialBenchFleet connects n peers, ids from base on. Nothing reads them until read is called.
func dialBenchFleet(addr string, base, n, bufSize int, network func(i int) string) (*benchFleet, error) {
	f := &benchFleet{peers: make([]*benchPeer, n)}
	err := benchParallel(n, benchWorkers, func(i int) error {
		var err error
		f.peers[i], err = dialBenchPeer(addr, benchPeerID(base+i), network(i), make([]byte, bufSize))
		return err
	})
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// read starts a reading goroutine for each peer. close joins them.
func (f *benchFleet) read() {
	for _, p := range f.peers {
		f.wg.Go(p.run)
	}
}

// announceAll announces all peers, at once as nearly as two cores allow.
func (f *benchFleet) announceAll() error {
	return benchParallel(len(f.peers), benchWorkers, func(i int) error { return f.peers[i].announce() })
}

// settleIn reads, announces, and waits until each network of size peers knows itself: a frame `connected` and
// size-1 `peer-discovered` for each peer, not one more.
func (f *benchFleet) settleIn(size int) error {
	f.read()
	if err := f.announceAll(); err != nil {
		return err
	}
	return benchWantExactly("frames while settling in", int64(len(f.peers)*size), f.texts)
}

func (f *benchFleet) texts() int64 { return f.sum(func(p *benchPeer) int64 { return p.texts.Load() }) }

func (f *benchFleet) sum(count func(*benchPeer) int64) int64 {
	var sum int64
	for _, p := range f.peers {
		sum += count(p)
	}
	return sum
}

// close cuts all connections and waits for the readers. It is safe after a failed dial, and twice.
func (f *benchFleet) close() {
	for _, p := range f.peers {
		if p != nil {
			_ = p.nc.Close()
		}
	}
	f.wg.Wait()
}

// leaveAll has every peer say goodbye at once; the readers see the server close.
func (f *benchFleet) leaveAll() error {
	err := benchParallel(len(f.peers), benchWorkers, func(i int) error { return f.peers[i].write(benchLeaveFrame) })
	if err != nil {
		return err
	}
	f.wg.Wait()
	for _, p := range f.peers {
		if !benchExpectedEnd(p.err) {
			return fmt.Errorf("peer %s left with: %w", p.id[:8], p.err)
		}
	}
	return nil
}

func benchExpectedEnd(err error) bool {
	return errors.Is(err, errBenchClosed) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, net.ErrClosed)
}

// benchGroups puts size neighbours into each network.
func benchGroups(size int) func(i int) string {
	return func(i int) string { return fmt.Sprintf("n-%d", i/size) }
}
