package hub_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// find returns the latest end for a reason.
func (w *world) find(reason string) (hub.End, bool) {
	for _, e := range w.hub.Ends() {
		if e.Reason == reason {
			return e, true
		}
	}
	return hub.End{}, false
}

// settleEnd returns the latest end for a reason once that is one of the peer.
func (w *world) settleEnd(reason string, id wire.PeerID) (e hub.End) {
	w.Helper()
	w.settle(func(hub.Stats) string {
		if e, _ = w.find(reason); e.PeerID != id {
			return fmt.Sprintf("the last end for %s is of %q, want %s", reason, e.PeerID, id)
		}
		return ""
	})
	return e
}

// Why a peer was cut is known after it has gone: reason, address, network, and how long it was there.
func TestEndsSayWhyAPeerWasCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, hub.Config{MessageBurst: 10})
		defer w.hub.Close()
		id := digits("a")
		p := w.connect("flooder", id)
		p.announce("meadow")
		time.Sleep(10 * time.Second)
		for range 30 {
			p.SendRaw([]byte(`{"type":"cleanup"}`)) // fails once the hub has cut it
		}
		p.wantClose(1008, wire.ReasonMessageRate.Text())
		p.Close()
		synctest.Wait()
		got, ok := w.find("message_rate")
		if !ok || got.PeerID != id || got.What != "cut" || got.Address != "pipe" || got.Network != "meadow" {
			t.Errorf("the end is %+v", got)
		}
		if got.Lasted < 10*time.Second || got.Lasted > 20*time.Second || got.Messages < 10 || got.Messages > 32 || got.SentBytes == 0 {
			t.Errorf("it lasted %v, with %d messages and %d bytes sent", got.Lasted, got.Messages, got.SentBytes)
		}
		if age := time.Since(got.At); age < 0 || age > time.Minute {
			t.Errorf("it ended %v ago", age)
		}
	})
}

// A refused request is kept with what its client gave as its id, and why. Nothing that a client
// sends makes what is kept longer.
func TestEndsOfRefusedRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{AuthToken: "sesame"})
	long := strings.Repeat("é", 3000)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(w.url, "ws", "http", 1)+"/?peerId="+long, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	got, ok := w.find("unauthorized")
	if !ok || got.What != "refused" || got.Address != "127.0.0.1" || got.Why != "the token is missing or wrong" || got.Lasted != 0 {
		t.Errorf("the refusal is %+v", got)
	}
	if n := len(got.PeerID); n == 0 || n > 50 || !utf8.ValidString(string(got.PeerID)) || !strings.HasPrefix(long, strings.TrimSuffix(string(got.PeerID), "\uFFFD")) {
		t.Errorf("the id is kept as %q", got.PeerID)
	}
}

// The latest ends of each reason are kept, the last first, so that a flood for one reason hides no
// other.
func TestEndsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	w.connect("last", digits("a")).raw(`{"type":"goodbye"}`)
	w.settleEnd("goodbye", digits("a"))
	for i := range 40 {
		p, err := w.dial("invalid", wire.PeerID(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		p.wantClose(1008, wire.ReasonInvalidPeerID.Text())
		p.Close()
		w.settleEnd("invalid_peer_id", wire.PeerID(fmt.Sprint(i)))
	}
	ends := w.hub.Ends()
	if len(ends) != 33 {
		t.Fatalf("%d ends are kept, want 32 and the goodbye", len(ends))
	}
	for i, e := range ends[:32] {
		if e.PeerID != wire.PeerID(fmt.Sprint(39-i)) || e.What != "refused" {
			t.Errorf("end %d is of %s, %s", i, e.PeerID, e.What)
		}
	}
	if e := ends[32]; e.Reason != "goodbye" || e.What != "" || e.PeerID != digits("a") {
		t.Errorf("the last is %+v, want the goodbye", e)
	}
}

// The operator can disconnect a peer, which gets a close frame and may come back.
func TestDisconnect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	id := digits("b")
	if w.hub.Disconnect(id) {
		t.Error("a peer that is not there was disconnected")
	}
	p := w.connect("b", id)
	p.announce("meadow")
	if got, ok := w.hub.Session(id); !ok || got.Network != "meadow" || got.Messages < 2 || !got.Registered || got.Began.IsZero() {
		t.Errorf("the session is %+v, %v", got, ok)
	}
	if !w.hub.Disconnect(id) {
		t.Error("the peer was not found")
	}
	p.wantClose(1008, "operator: disconnected by the operator")
	if _, ok := w.hub.Session(id); ok {
		t.Error("the peer still has a session")
	}
	p.Close()
	if e := w.settleEnd("operator", id); e.What != "cut" || e.Network != "meadow" {
		t.Errorf("its end is %+v", e)
	}
	if n := w.hub.Stats().Ended["operator"]; n != 1 {
		t.Errorf("%d sessions were ended by the operator", n)
	}
	w.connect("b again", id)
}
