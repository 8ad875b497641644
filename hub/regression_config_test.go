package hub_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// W47, G19: the reference treats zero as "not given", so that many values cannot be configured.
// PeerPigeon-Go treats invalid values as zero, and then refuses every peer. This hub returns an
// error that names every invalid field.
func TestW47G19NonsenseIsNamed(t *testing.T) {
	t.Parallel()
	_, err := hub.New(hub.Config{
		MaxConnections: -1, MaxMessageBytes: -1, MaxAnnounceBytes: 1, MessageBurst: -1, AnnounceBurst: -1,
		QueueBytes: 1, QueueBytesTotal: -1, MaxSubscriptions: -1, ProbeTimeout: -1, RetryAfter: -1, FirstMessageTimeout: 1,
		MessageTimeout: -time.Hour, WriteTimeout: 1, PingInterval: 1, PongTimeout: -1, CloseTimeout: -1,
		DrainCloseCode: 1006, HubPeerIDs: []wire.PeerID{"\nforged"},
	})
	if err == nil {
		t.Fatal("New took it")
	}
	for _, field := range []string{
		"MaxConnections", "MaxMessageBytes", "MaxAnnounceBytes", "MessageBurst", "AnnounceBurst", "QueueBytes", "QueueBytesTotal",
		"MaxSubscriptions", "ProbeTimeout", "RetryAfter", "FirstMessageTimeout", "MessageTimeout", "WriteTimeout", "PingInterval",
		"PongTimeout", "CloseTimeout", "DrainCloseCode", "HubPeerIDs",
	} {
		if !strings.Contains(err.Error(), field+" ") {
			t.Errorf("the error does not name %s: %v", field, err)
		}
	}
	if strings.Contains(err.Error(), "\nforged") {
		t.Errorf("the error holds raw text: %q", err)
	}
	for name, cfg := range map[string]hub.Config{
		"MessageRate": {MessageRate: math.NaN()}, "AnnounceRate": {AnnounceRate: math.Inf(1)},
	} {
		if h, err := hub.New(cfg); err == nil {
			h.Close()
			t.Errorf("New took a %s that is no number", name)
		}
	}
}

// W47: what may be switched off can be.
func TestW47LimitsCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MessageRate: -1, AnnounceRate: -1, DrainWindow: -1, Memory: hub.MemoryConfig{Interval: -1}})
	p := w.join("alice", "n")
	for range 2000 {
		p.raw(`{"type":"announce","networkName":"n"}`)
	}
	p.fence()
	w.wantStats(1, 1, 1, 0)
}
