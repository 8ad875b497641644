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

// Every one of 5,000 peers sees the close frame of a hub that is told to end,
// which ends within its deadline and leaves nothing. It runs alone: it is a load.
func TestShutdownOfFiveThousandPeers(t *testing.T) {
	const herd = 5000
	c := startChild(t, "", "--drain-window=2s", "--shutdown-timeout=60s")
	var told, lost atomic.Int64
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
				told.Add(1)
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
		t.Errorf("the end took %v, its deadline is 60s", took)
	}
	if told.Load() != herd || lost.Load() > 0 {
		t.Errorf("%d of %d peers saw the close frame, %d did not", told.Load(), herd, lost.Load())
	}
	c.log.wantCleanEnd()
}
