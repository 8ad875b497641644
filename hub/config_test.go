package hub_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func TestNewNamesEveryBadField(t *testing.T) {
	t.Parallel()
	_, err := hub.New(hub.Config{
		MaxConnections: -1, QueueBytes: 10, PingInterval: -time.Second, DrainCloseCode: 1006,
		HubPeerIDs: []wire.PeerID{"nonsense"},
	})
	if err == nil {
		t.Fatal("New accepted it")
	}
	for _, word := range []string{"MaxConnections is -1", "QueueBytes is 10", "PingInterval is -1s", "DrainCloseCode is 1006", `"nonsense"`} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %q:\n%v", word, err)
		}
	}
}

// The same wrong configuration gives the same text each time.
func TestValidateOrder(t *testing.T) {
	t.Parallel()
	cfg := hub.Config{
		MessageRate: math.NaN(), AnnounceRate: math.NaN(), ProbeTimeout: -1, RetryAfter: -1, FirstMessageTimeout: -1,
		MessageTimeout: -1, WriteTimeout: -1, PingInterval: -1, PongTimeout: -1, CloseTimeout: -1,
		Memory: hub.MemoryConfig{Sample: -1},
	}
	want := cfg.Validate().Error()
	for range 20 {
		if got := cfg.Validate().Error(); got != want {
			t.Fatalf("Validate returns\n%s\nand then\n%s", want, got)
		}
	}
	if n := strings.Count(want, "\n") + 1; n != 11 {
		t.Errorf("%d problems, want 11:\n%s", n, want)
	}
}

func TestDefaultMaxConnectionsLeavesDescriptors(t *testing.T) {
	t.Parallel()
	h, err := hub.New(hub.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if got, want := h.Stats().MaxConnections, hub.DefaultMaxConnections(); got != want || got < 100 {
		t.Errorf("MaxConnections is %d, want %d", got, want)
	}
}
