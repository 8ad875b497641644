//go:build unix

package main

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// A hub that shuts down sends the close frame to each of 5,000 peers, ends within its deadline and
// leaves nothing. The test does not run in parallel, because it loads the machine.
func TestShutdownOfFiveThousandPeers(t *testing.T) {
	const herd = 5000
	c := startChild(t, "", "--drain-window=2s", "--shutdown-timeout=60s")
	var notified, lost atomic.Int64
	var connected, ended sync.WaitGroup
	slots := make(chan struct{}, 64)
	for range herd {
		slots <- struct{}{}
		connected.Add(1)
		ended.Go(func() {
			peer, err := wire.Dial(t.Context(), "ws://"+c.addr, wire.NewPeerID(), nil)
			<-slots
			if err != nil {
				t.Error(err)
				connected.Done()
				return
			}
			defer peer.Close()
			peer.SetReceiveDeadline(time.Now().Add(5 * time.Minute))
			_, err = peer.Receive()
			connected.Done()
			for err == nil {
				_, err = peer.ReceiveRaw()
			}
			var closed *wire.CloseError
			if errors.As(err, &closed) && closed.Code == wire.CodeNormal && closed.Reason == "Server shutting down" {
				notified.Add(1)
			} else {
				lost.Add(1)
			}
		})
	}
	connected.Wait()
	began := time.Now()
	c.signal(syscall.SIGTERM)
	ended.Wait()
	if code := c.code(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
	if took := time.Since(began); took > 60*time.Second {
		t.Errorf("the shutdown took %v, want at most 60s", took)
	}
	if notified.Load() != herd || lost.Load() > 0 {
		t.Errorf("%d of %d peers received the close frame, %d did not", notified.Load(), herd, lost.Load())
	}
	c.log.wantCleanEnd()
}
