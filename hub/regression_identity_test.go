package hub_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// W36: the reference forwards the fromPeerId that the sender claims, so that any peer can send
// offers and goodbyes in the name of another.
func TestW36ForgedFromPeerID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	alice, bob, mallory := w.join("alice", "n"), w.join("bob", "n"), w.join("mallory", "n")
	bob.fence()
	for _, kind := range []string{"offer", "answer", "ice-candidate"} {
		mallory.raw(`{"type":"` + kind + `","data":1,"fromPeerId":"` + string(alice.ID()) +
			`","targetPeerId":"` + string(bob.ID()) + `","networkName":"n"}`)
		if m := bob.next(); m.Type != kind || m.FromPeerID != string(mallory.ID()) {
			t.Errorf("bob got %s from %s, want %s from mallory", m.Type, m.FromPeerID, kind)
		}
	}
	mallory.raw(`{"type":"goodbye","data":{"peerId":"` + string(alice.ID()) + `"},"fromPeerId":"` + string(alice.ID()) +
		`","targetPeerId":"` + string(bob.ID()) + `","networkName":"n"}`)
	if m := bob.next(); m.Type != "goodbye" || m.FromPeerID != string(mallory.ID()) || m.TargetPeerID != "" {
		t.Errorf("bob got %+v, want the goodbye of mallory to all", m)
	}
	bob.wantTold("peer-disconnected", mallory)
}

// W38: in the reference the data of an announce replaces peerId and isHub, so that any peer can be
// introduced under another id, or as a hub.
func TestW38AnnounceDataCannotForgeIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	a, b := w.joinAs("a", digits("a"), "n"), w.connect("b", digits("b"))
	for data, extra := range map[string]string{
		`{"peerId":"` + string(a.ID()) + `","isHub":true,"x":1}`: `,"x":1`,
		`{"peer\u0049d":"forged","\u0069sHub":"yes"}`:            ``,
		`{"isHub":true,"isHub":true,"peerId":1,"peerId":2}`:      ``,
		`{"a":{"peerId":"deep"},"isHub":1}`:                      `,"a":{"peerId":"deep"}`,
	} {
		b.raw(`{"type":"announce","networkName":"n","data":` + data + `}`)
		a.wantText(`{"type":"peer-discovered","data":{"peerId":"B","isHub":false` + extra +
			`},"networkName":"n","fromPeerId":"system","targetPeerId":"A","timestamp":T}`)
	}
}

// W48: in the reference a targetPeerId that is no string throws half-way through
// the relay. It is a dropped message, no more.
func TestW48WronglyTypedTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	alice, bob := w.join("alice", "n"), w.join("bob", "n")
	targets := []string{`5`, `{}`, `["` + string(bob.ID()) + `"]`, `true`, `-1e9`, `"` + strings.Repeat("a", 1000) + `"`, `"\u0000"`,
		`{"toString":1}`, `"__proto__"`}
	for _, target := range targets {
		for _, kind := range []string{"offer", "answer", "ice-candidate"} {
			alice.raw(`{"type":"` + kind + `","data":1,"networkName":"n","targetPeerId":` + target + `}`)
		}
	}
	if err := alice.Signal(wire.KindOffer, bob.ID(), "n", []byte(`1`)); err != nil {
		t.Fatal(err)
	}
	if m := bob.next(); m.Type != "offer" {
		t.Errorf("bob got %+v, want only the offer to him", m)
	}
	w.wantCount("bad targets", dropped(hub.DropBadTarget), uint64(3*len(targets)))
}

// W10, G4: both servers tear down by id, so the late close of an old connection
// deletes the newer one of the same peer, which stays open and unreachable.
func TestW10G4LateCloseOfTheOldConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, hub.Config{CloseTimeout: time.Hour})
		old := w.join("old", "n")
		bob := w.join("bob", "n")
		synctest.Wait()
		// Old is half-open: it neither answers the probe nor closes for a long time.
		reborn := w.connect("reborn", old.ID())
		reborn.announce("n")
		for _, typ := range []string{"peer-disconnected", "peer-discovered"} {
			if m := bob.next(); m.Type != typ || subject(m) != old.ID() {
				t.Errorf("bob got %+v, want %s about the id", m, typ)
			}
		}
		w.wantStats(2, 2, 1, 0)
		if st := w.hub.Stats(); st.Sessions != 3 {
			t.Fatalf("%d sessions, want the old one still open", st.Sessions)
		}
		old.Close()
		w.wantCount("replaced", ended(wire.ReasonReplaced), 1)
		w.wantStats(2, 2, 1, 0)
		bob.wantNothing() // of a second end of the same peer
		if err := bob.Signal(wire.KindOffer, reborn.ID(), "n", []byte(`1`)); err != nil {
			t.Fatal(err)
		}
		if m := reborn.next(); m.Type != "offer" {
			t.Errorf("reborn got %+v, want the offer", m)
		}
	})
}

// G4 in a hurry: the same peer again and again, each time before its last
// connection has ended.
func TestG4ReconnectBeforeTheOldConnectionEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{ProbeTimeout: 5 * time.Second})
	bob := w.join("bob", "n")
	id := digits("a")
	last := w.joinAs("first", id, "n")
	for range 50 {
		next, err := w.dial("next", id) // while last is open: the hub asks it first
		if err != nil {
			t.Fatal(err)
		}
		last.reset()
		if m := next.next(); m.Type != "connected" {
			t.Fatalf("got %+v, want connected", m)
		}
		next.announce("n")
		if err := bob.Signal(wire.KindOffer, id, "n", []byte(`1`)); err != nil {
			t.Fatal(err)
		}
		next.want("offer")
		last = next
	}
	w.wantStats(2, 2, 1, 0)
}

// G5: PeerPigeon-Go lets any peer that knows an id evict its holder. In this hub a live holder keeps
// its id and receives no message about the claim.
func TestG5LiveHolderKeepsItsID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{ProbeTimeout: time.Minute})
	alice, bob := w.join("alice", "n"), w.join("bob", "n")
	alice.fence()
	got := alice.attend(func() {
		for range 20 {
			thief, err := w.dial("thief", alice.ID())
			if err != nil {
				t.Fatal(err)
			}
			thief.wantClose(1008, "Peer already connected")
		}
		if err := bob.Signal(wire.KindOffer, alice.ID(), "n", []byte(`1`)); err != nil {
			t.Fatal(err)
		}
		bob.wantNothing()
	})
	if len(got) != 1 || got[0].Type != "offer" {
		t.Errorf("alice got %+v, want the offer of bob alone", got)
	}
}

// W14: in the reference a peer whose connection died without a word is locked
// out of its own id, for ever. Here it waits for one probe.
func TestW14OwnerGetsItsIDBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const probe = 3 * time.Second
		w := newPipeWorld(t, hub.Config{ProbeTimeout: probe, MaxConnections: 1})
		dead := w.connect("dead", "") // never announced: nothing else would find it
		synctest.Wait()               // what it has taken in is a sign of life too
		began := time.Now()
		w.connect("owner", dead.ID())
		if took := time.Since(began); took > probe {
			t.Errorf("the owner was let in after %v, want %v at most", took, probe)
		}
	})
}

// W11: in the reference an error and the close that follows both run the
// disconnect path: two events, two broadcasts.
func TestW11OneEndOneDisconnect(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*peer){
		"protocol_error": func(p *peer) { p.frames(hostile.Frame(0x83, nil)); p.wantClose(1002, "") },
		"reset":          (*peer).reset,
		"close_twice":    func(p *peer) { p.frames(hostile.CloseFrame(1000, "a"), hostile.CloseFrame(1000, "b")) },
		"goodbye":        func(p *peer) { p.Leave("n") },
		"too_big":        func(p *peer) { p.frames(hostile.Header(hostile.Final|hostile.Text, 1<<40)); p.reset() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, hub.Config{})
			sub, err := w.hub.Subscribe("test", hub.EventPeerDisconnected)
			if err != nil {
				t.Fatal(err)
			}
			bob := w.join("bob", "n")
			alice := w.join("alice", "n")
			bob.fence()
			end(alice)
			w.wantSessions(1)
			if got := bob.fence(); len(got) == 0 || got[len(got)-1].Type != "peer-disconnected" || len(got) > 2 ||
				len(got) == 2 && got[0].Type != "goodbye" {
				t.Errorf("bob got %+v, want one peer-disconnected", got)
			}
			if n := len(sub.Events()); n != 1 {
				t.Errorf("%d events peerDisconnected, want 1", n)
			}
			alice.Close()
		})
	}
}
