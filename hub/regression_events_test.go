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
	sub := w.subscribe()
	w.hub.Listening(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3000})
	sub.want(hub.EventStarted, map[string]any{"host": "127.0.0.1", "port": 3000})
	alice := w.joinAs("alice", a, "n")
	sub.connected(a, 1)
	sub.announced(a, "n", false)
	alice.announce("m") // a move is an announce, no disconnect
	sub.announced(a, "m", false)
	hubPeer := w.joinAs("hub", h, wire.DefaultMeshNamespace)
	sub.connected(h, 2)
	sub.want(hub.EventHubRegistered, map[string]any{"peerId": h, "totalHubs": 1})
	sub.announced(h, wire.DefaultMeshNamespace, true)
	hubPeer.raw(`{"type":"goodbye"}`)
	sub.want(hub.EventPeerGoodbye, map[string]any{"peerId": h})
	sub.want(hub.EventHubUnregistered, map[string]any{"peerId": h, "totalHubs": 0})
	sub.disconnected(h, 1000, "goodbye", 1)
	hubPeer.wantClose(1000, "goodbye")
	alice.SendClose(4321, "my reason")
	sub.disconnected(a, 4321, "my reason", 0)
	alice.wantClose(4321, "my reason")

	stays := w.connect("stays", a)
	sub.connected(a, 1)
	w.hub.Fail(errors.New("the disk is full"))
	sub.want(hub.EventError, map[string]any{"message": "the disk is full"})
	stays.attendShutdown(t)
	sub.disconnected(a, 1000, "Server shutting down", 0)
	sub.want(hub.EventStopped, nil)
	<-sub.Done()
	if sub.Lost() > 0 {
		t.Errorf("%d events were lost", sub.Lost())
	}
}

// Ends without a close frame, and refusals, which are no events.
func TestEventsOfAbruptEnds(t *testing.T) {
	t.Parallel()
	a := digits("a")
	w := newWorld(t, hub.Config{CloseTimeout: 100 * time.Millisecond})
	sub := w.subscribe()
	w.connect("lost", a).reset()
	sub.connected(a, 1)
	sub.disconnected(a, 1006, "", 0)
	if p, err := w.dial("refused", "bad id"); err == nil { // no event
		p.wantClose(1008, "Invalid")
	}
	w.connect("rude", a).frames([]byte{0xff, 0xff})
	sub.connected(a, 1)
	sub.disconnected(a, 1002, "", 0)
}

// eventLog is a subscription with assertions.
type eventLog struct {
	*hub.Subscription
	w *world
}

func (w *world) subscribe() eventLog {
	w.Helper()
	sub, err := w.hub.Subscribe("test")
	if err != nil {
		w.Fatal(err)
	}
	return eventLog{sub, w}
}

// want asserts the next event.
func (l eventLog) want(name hub.EventName, payload map[string]any) {
	l.w.Helper()
	select {
	case e := <-l.Events():
		if e.Name != name || !reflect.DeepEqual(e.Payload(), payload) || e.At.IsZero() {
			l.w.Errorf("got %s %v, want %s %v", e.Name, e.Payload(), name, payload)
		}
	case <-time.After(10 * time.Second):
		l.w.Fatalf("no event, want %s", name)
	}
}

func (l eventLog) connected(id wire.PeerID, total int) {
	l.w.Helper()
	l.want(hub.EventPeerConnected, map[string]any{"peerId": id, "totalConnections": total})
}

func (l eventLog) announced(id wire.PeerID, network string, isHub bool) {
	l.w.Helper()
	l.want(hub.EventPeerAnnounced, map[string]any{"peerId": id, "networkName": network, "isHub": isHub})
}

func (l eventLog) disconnected(id wire.PeerID, code int, reason string, total int) {
	l.w.Helper()
	l.want(hub.EventPeerDisconnected, map[string]any{"peerId": id, "code": code, "reason": reason, "totalConnections": total})
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
