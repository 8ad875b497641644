package hub_test

import (
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
