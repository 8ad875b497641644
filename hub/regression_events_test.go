package hub_test

import (
	"errors"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// The events come in the order in which things happened, with the fields of the
// reference server.
func TestEventsInOrder(t *testing.T) {
	t.Parallel()
	a, h := digits("a"), digits("1")
	w := newWorld(t, hub.Config{HubPeerIDs: []wire.PeerID{h}, DrainWindow: -1, CloseTimeout: 100 * time.Millisecond})
	sub, err := w.hub.Subscribe("test")
	if err != nil {
		t.Fatal(err)
	}
	want := func(name hub.EventName, payload map[string]any) {
		t.Helper()
		select {
		case e := <-sub.Events():
			if e.Name != name || !reflect.DeepEqual(e.Payload(), payload) || e.At.IsZero() {
				t.Errorf("got %s %v, want %s %v", e.Name, e.Payload(), name, payload)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no event, want %s", name)
		}
	}
	connected := func(id wire.PeerID, total int) {
		t.Helper()
		want(hub.EventPeerConnected, map[string]any{"peerId": id, "totalConnections": total})
	}
	announced := func(id wire.PeerID, network string, isHub bool) {
		t.Helper()
		want(hub.EventPeerAnnounced, map[string]any{"peerId": id, "networkName": network, "isHub": isHub})
	}
	disconnected := func(id wire.PeerID, code int, reason string, total int) {
		t.Helper()
		want(hub.EventPeerDisconnected, map[string]any{"peerId": id, "code": code, "reason": reason, "totalConnections": total})
	}

	w.hub.Listening(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3000})
	want(hub.EventStarted, map[string]any{"host": "127.0.0.1", "port": 3000})
	alice := w.joinAs("alice", a, "n")
	connected(a, 1)
	announced(a, "n", false)
	alice.announce("m") // a move is an announce, no disconnect
	announced(a, "m", false)
	hubPeer := w.joinAs("hub", h, wire.DefaultMeshNamespace)
	connected(h, 2)
	want(hub.EventHubRegistered, map[string]any{"peerId": h, "totalHubs": 1})
	announced(h, wire.DefaultMeshNamespace, true)
	hubPeer.raw(`{"type":"goodbye"}`)
	want(hub.EventPeerGoodbye, map[string]any{"peerId": h})
	want(hub.EventHubUnregistered, map[string]any{"peerId": h, "totalHubs": 0})
	disconnected(h, 1000, "goodbye", 1)
	hubPeer.wantClose(1000, "goodbye")
	alice.SendClose(4321, "my reason")
	disconnected(a, 4321, "my reason", 0)
	alice.wantClose(4321, "my reason")

	w.connect("lost", a).reset()
	connected(a, 1)
	disconnected(a, 1006, "", 0)
	if p, err := w.dial("refused", "bad id"); err == nil { // no event
		p.wantClose(1008, "Invalid")
	}
	w.connect("rude", a).frames([]byte{0xff, 0xff})
	connected(a, 1)
	disconnected(a, 1002, "", 0)
	stays := w.connect("stays", a)
	connected(a, 1)
	w.hub.Fail(errors.New("the disk is full"))
	want(hub.EventError, map[string]any{"message": "the disk is full"})
	stays.attendShutdown(t)
	disconnected(a, 1000, "Server shutting down", 0)
	want(hub.EventStopped, nil)
	<-sub.Done()
	if sub.Lost() > 0 {
		t.Errorf("%d events were lost", sub.Lost())
	}
}

// attendShutdown shuts the hub down while the peer answers.
func (p *peer) attendShutdown(t *testing.T) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.wantClose(1000, "Server shutting down")
	}()
	if err := p.w.hub.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
}

// A subscriber that does not read loses events; it never blocks the hub.
func TestSlowSubscriberLosesEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MessageRate: -1, AnnounceRate: -1})
	slow, err := w.hub.Subscribe("slow")
	if err != nil {
		t.Fatal(err)
	}
	only, err := w.hub.Subscribe("only", hub.EventPeerConnected)
	if err != nil {
		t.Fatal(err)
	}
	alice := w.connect("alice", "")
	const announces = 1000
	for range announces {
		alice.Announce("n", nil)
	}
	alice.fence()
	if held, lost := len(slow.Events()), slow.Lost(); uint64(held)+lost != announces+1 || lost == 0 {
		t.Errorf("the slow subscriber holds %d and lost %d of %d events", held, lost, announces+1)
	}
	if got := w.hub.Stats().EventsLost; got != slow.Lost() {
		t.Errorf("EventsLost is %d, want %d", got, slow.Lost())
	}
	if len(only.Events()) != 1 || only.Lost() != 0 {
		t.Errorf("who asked for one name holds %d events, lost %d, want 1 and 0", len(only.Events()), only.Lost())
	}
	slow.Close()
	slow.Close()
	<-slow.Done()
}
