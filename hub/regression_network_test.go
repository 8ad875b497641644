package hub_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// W6, G10: in the reference a peer that announces into another network stays in the old one for
// good, and is introduced to peers that join there.
func TestW6G10MovingLeavesTheOldNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	alice, bob, carol := w.join("alice", "n1"), w.join("bob", "n1"), w.join("carol", "n2")
	alice.fence()
	alice.Announce("n2", nil)
	alice.wantTold("peer-discovered", carol)
	m := bob.next()
	if m.Type != "peer-disconnected" || m.NetworkName != "n1" || subject(m) != alice.ID() {
		t.Errorf("bob got %+v, want peer-disconnected of alice in n1", m)
	}
	late := w.join("late", "n1")
	alice.wantNothing()
	bob.wantTold("peer-discovered", late)
	bob.Signal(wire.KindOffer, alice.ID(), "n1", []byte(`1`))
	bob.Signal(wire.KindOffer, alice.ID(), "n2", []byte(`1`))
	bob.fence()
	alice.wantNothing()
	w.wantStats(4, 4, 2, 0)

	bob.announce("n2")
	late.announce("n2")
	w.wantStats(4, 4, 1, 0) // n1 is gone with its last member
}

// W7: the reference keeps network names of any length, type and number, 26 MB of
// them after the only client had left.
func TestW7NetworkNamesAreBoundedAndForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{AnnounceRate: -1, MessageRate: -1})
	longest := strings.Repeat("é", wire.MaxNetworkNameBytes/2)
	for name, network := range map[string]string{
		"too long": `"` + longest + `x"`, "1 MiB": `"` + strings.Repeat("n", 1<<20-100) + `"`,
		"number": `5`, "object": `{"a":1}`, "array": `["n"]`, "true": `true`,
		"escaped": `"` + strings.Repeat(`\u0061`, wire.MaxNetworkNameBytes+1) + `"`,
	} {
		p := w.connect(name, "")
		p.raw(`{"type":"announce","networkName":` + network + `}`)
		p.wantClose(1008, "bad_network")
	}
	w.wantStats(0, 0, 0, 0)

	roamer := w.connect("roamer", "")
	for i := range 1000 {
		roamer.Announce(fmt.Sprint(longest[:wire.MaxNetworkNameBytes-4], i), nil)
	}
	roamer.announce(longest)
	w.wantStats(1, 1, 1, 0)
	roamer.Close()
	w.wantStats(0, 0, 0, 0)
}

// W37: the reference compares the claimed network with the target's and not with the sender's, so
// that any peer can send into any network by claiming to be in it.
func TestW37ClaimedNetworkIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	alice := w.join("alice", "n1")
	for _, mallory := range []*peer{w.join("mallory of n2", "n2"), w.join("mallory of global", ""), w.connect("unannounced mallory", "")} {
		for _, kind := range []wire.Kind{wire.KindOffer, wire.KindAnswer, wire.KindICECandidate} {
			mallory.Signal(kind, alice.ID(), "n1", []byte(`1`))
		}
		mallory.fence()
		alice.wantNothing()
		alice.Signal(wire.KindOffer, mallory.ID(), "n1", []byte(`1`))
		alice.fence()
		mallory.wantNothing()
	}
	w.wantCount("other network", dropped(hub.DropOtherNetwork), 12)
}

// W41: the reference notifies every socket of every network of every disconnect. That reveals ids
// to other networks and costs O(N) for each leave.
func TestW41DisconnectStaysInItsNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	alice, mate := w.join("alice", "n"), w.join("mate", "n")
	outsiders := []*peer{w.join("other", "m"), w.join("global", ""), w.connect("unannounced", "")}
	alice.SendClose(4000, "words of the leaver")
	alice.wantClose(4000, "words of the leaver")
	mate.want("peer-disconnected")
	mate.wantNothing()
	for _, p := range outsiders {
		p.wantNothing()
	}
	nowhere := w.connect("nowhere", "") // is in no network, so its end notifies no peer
	nowhere.SendClose(1000, "")
	nowhere.wantClose(1000, "")
	for _, p := range append(outsiders, mate) {
		p.wantNothing()
	}
}

// W16, W41: in the reference the sweep of dead peers and the listing of live ones call each other
// and broadcast each time, so that ten leaving peers cost 780 messages. Here all peers of a network
// but one vanish at once, and that one is notified of each once.
func TestW16W41MassLeave(t *testing.T) {
	t.Parallel()
	const leavers = 150
	w := newWorld(t, hub.Config{})
	var peers []*peer
	for i := range leavers {
		p := w.connect(fmt.Sprint("leaver", i), "")
		p.Announce("n", nil)
		peers = append(peers, p)
	}
	w.wantStats(leavers, leavers, 1, 0)
	stays := w.join("stays", "n")
	var wg sync.WaitGroup
	for _, p := range peers {
		wg.Go(p.reset)
	}
	wg.Wait()
	w.wantStats(1, 1, 1, 0)
	told := make(map[wire.PeerID]int)
	for _, m := range stays.fence() {
		if m.Type == "peer-disconnected" {
			told[subject(m)]++
		}
	}
	for _, p := range peers {
		if told[p.ID()] != 1 {
			t.Errorf("notified %d times of the end of %s, want once", told[p.ID()], p.name)
		}
	}
}
