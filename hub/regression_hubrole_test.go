package hub_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// W39: on the reference any peer may declare itself a hub. It is then introduced to the peers of
// all networks, receives signals for absent peers, and may introduce peers in any network.
func TestW39SelfDeclaredHub(t *testing.T) {
	t.Parallel()
	for name, isHub := range map[string]bool{"on a plain server": false, "on a hub": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, hub.Config{IsHub: isHub, HubPeerIDs: []wire.PeerID{digits("1")}, HubKey: "the key"})
			alice, bob := w.join("alice", "n"), w.join("bob", "m")
			mallory := w.connect("mallory", "")
			mallory.Announce("m", map[string]any{"isHub": true})
			m := bob.next()
			if subject(m) != mallory.ID() || !strings.Contains(string(m.Data), `"isHub":false`) {
				t.Errorf("bob received %s, want mallory as a plain peer", m.Data)
			}
			mallory.wantTold("peer-discovered", bob) // and no dump of n

			mallory.Announce(wire.DefaultMeshNamespace, map[string]any{"isHub": true})
			if m := mallory.next(); m.Type != "error" || !strings.Contains(m.Error, wire.DefaultMeshNamespace) {
				t.Errorf("mallory got %+v, want an error about the mesh", m)
			}
			mallory.raw(`{"type":"peer-discovered","networkName":"n","data":{"peerId":"` + string(digits("e")) + `"}}`)
			mallory.wantNothing()
			mallory.raw(`{"type":"peer-disconnected","networkName":"n","data":{"peerId":"` + string(bob.ID()) + `"}}`)
			if m := mallory.next(); m.Type != "error" {
				t.Errorf("mallory got %+v, want error", m)
			}
			alice.Signal(wire.KindOffer, digits("d"), "n", []byte(`1`)) // to an absent peer
			alice.wantNothing()
			mallory.wantNothing()
			w.wantStats(3, 3, 2, 0)
			if w.hub.Stats().Dropped["not_hub"] == 0 {
				t.Error("the attempts were not counted")
			}
		})
	}
}

// A peer may be a hub if it is configured as one or sends the key, in the header or, as browsers
// must, in the query.
func TestHubRole(t *testing.T) {
	t.Parallel()
	known := digits("1")
	w := newWorld(t, hub.Config{HubPeerIDs: []wire.PeerID{known}, HubKey: "the key"})
	for name, connect := range map[string]func() *peer{
		"known":   func() *peer { return w.connect("known", known) },
		"in_url":  func() *peer { return w.at("/?token=the+key").connect("with the key", digits("2")) },
		"bearer":  func() *peer { return w.connectWith(http.Header{"Authorization": {"Bearer the key"}}) },
		"as_text": func() *peer { return w.connectWith(http.Header{"authorization": {"bearer  the key "}}) },
	} {
		p := connect()
		p.announce(wire.DefaultMeshNamespace)
		w.wantStats(1, 1, 1, 1)
		hubs := w.hub.Hubs()
		if len(hubs) != 1 || hubs[0].PeerID != p.ID() || hubs[0].NetworkName != wire.DefaultMeshNamespace ||
			string(hubs[0].Data) != `{"peerId":"`+string(p.ID())+`"}` || hubs[0].RegisteredAt == 0 || hubs[0].ConnectedAt == 0 {
			t.Errorf("Hubs() = %+v, want %s", hubs, name)
		}
		p.announce("n") // leaves the mesh, says nothing of being a hub
		w.wantStats(1, 1, 1, 0)
		p.Announce("n", map[string]any{"isHub": true})
		p.fence()
		w.wantStats(1, 1, 1, 1)
		p.Close()
		w.wantStats(0, 0, 0, 0)
	}
	p := w.at("/?token=another+key").connect("with another key", "")
	p.Announce("n", map[string]any{"isHub": true})
	p.fence()
	w.wantStats(1, 1, 1, 0)
}

// A hub that announces is introduced to all plain peers, each in its own network, and then to the
// hubs in the mesh network.
func TestHubIsToldOfAllPeers(t *testing.T) {
	t.Parallel()
	ids := []wire.PeerID{digits("1"), digits("2")}
	for name, isHub := range map[string]bool{"by a plain server": false, "by a hub": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, hub.Config{IsHub: isHub, HubPeerIDs: ids})
			alice, bob := w.join("alice", "n"), w.join("bob", "m")
			w.connect("unannounced", "")
			first := w.joinAs("first hub", ids[0], wire.DefaultMeshNamespace)
			second := w.connect("second hub", ids[1])
			second.Announce(wire.DefaultMeshNamespace, map[string]any{"isHub": true, "port": 3000})
			got := second.fence()
			networks := make(map[wire.PeerID]string)
			for _, m := range got {
				if m.Type != "peer-discovered" || m.TargetPeerID != second.ID() || m.FromPeerID != wire.SystemPeer {
					t.Errorf("the hub got %+v", m)
				}
				networks[subject(m)] = m.NetworkName
			}
			want := 1
			if isHub {
				want = 3
				if networks[alice.ID()] != "n" || networks[bob.ID()] != "m" {
					t.Errorf("the hub was notified of %v, want alice in n and bob in m", networks)
				}
			}
			if len(got) != want || subject(got[len(got)-1]) != first.ID() {
				t.Errorf("the hub got %d messages, want %d, the other hub last: %+v", len(got), want, got)
			}
			first.wantTold("peer-discovered", second)
			alice.wantNothing()
		})
	}
}

// Protocol section 5.8: what a hub reports of its peers goes to the members of
// that network that are no hubs, with its data as it is.
func TestHubIntroducesItsPeers(t *testing.T) {
	t.Parallel()
	id, second := digits("1"), digits("2")
	w := newWorld(t, hub.Config{HubPeerIDs: []wire.PeerID{id, second}})
	a, other := w.joinAs("a", digits("a"), "n"), w.join("other", "m")
	hubPeer := w.connect("hub", id)
	const about = `"networkName":"n","data":{"peerId":"` + "dddddddddddddddddddddddddddddddddddddddd" + `","x":1.0, "cachedAt":5}`
	hubPeer.raw(`{"type":"peer-discovered",` + about + `}`) // not announced as a hub yet
	hubPeer.wantNothing()
	hubPeer.announce(wire.DefaultMeshNamespace)
	for _, ignored := range []string{
		`"networkName":"n"`, `"networkName":"n","data":{"x":1}`, `"networkName":"n","data":{"peerId":"short"}`, `"data":{"peerId":"` + string(digits("d")) + `"}`,
		`"networkName":"unknown","data":{"peerId":"` + string(digits("d")) + `"}`,
	} {
		hubPeer.raw(`{"type":"peer-discovered",` + ignored + `}`)
	}
	for _, typ := range []string{"peer-discovered", "peer-disconnected"} {
		hubPeer.raw(`{"type":"` + typ + `",` + about + `}`)
		a.wantText(`{"type":"` + typ + `","data":{"peerId":"D","x":1.0, "cachedAt":5},"networkName":"n","fromPeerId":"system","targetPeerId":"A","timestamp":T}`)
	}
	hubPeer.wantNothing()
	other.wantNothing()
	w.wantStats(3, 3, 3, 1)

	hub2 := w.connect("second hub", second)
	hub2.Announce("n", map[string]any{"isHub": true})
	hub2.wantTold("peer-discovered", a)
	a.wantTold("peer-discovered", hub2)
	hubPeer.raw(`{"type":"peer-discovered",` + about + `}`)
	hubPeer.fence()
	hub2.wantNothing() // the introduction is not forwarded to other hubs
	a.want("peer-discovered")

	// A hub passes signals on, in the name of its peers and into any network.
	hubPeer.raw(`{"type":"offer","data":1,"networkName":"n","fromPeerId":"` + string(digits("d")) + `","targetPeerId":"` + string(a.ID()) + `"}`)
	a.wantText(`{"type":"offer","data":1,"fromPeerId":"D","targetPeerId":"A","networkName":"n","timestamp":T}`)
	hubPeer.raw(`{"type":"offer","data":1,"networkName":"m","fromPeerId":"` + string(digits("d")) + `","targetPeerId":"` + string(a.ID()) + `"}`)
	hubPeer.raw(`{"type":"offer","data":1,"networkName":"n","fromPeerId":"no id","targetPeerId":"` + string(a.ID()) + `"}`)
	a.wantText(`{"type":"offer","data":1,"fromPeerId":"` + string(id) + `","targetPeerId":"A","networkName":"n","timestamp":T}`)
}

// W50: shipped clients send renegotiation and its like through the hub when they
// have no data channel; the reference answers them with an error. To relay them
// is for the operator to choose.
func TestW50RelayRenegotiation(t *testing.T) {
	t.Parallel()
	kinds := []string{"connection-rejected", "renegotiation-offer", "renegotiation-answer", "ice-restart-offer", "ice-restart-answer", "recovery-offer"}
	for name, relay := range map[string]bool{"off": false, "on": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, hub.Config{RelayRenegotiation: relay})
			a, b, other := w.joinAs("a", digits("a"), "n"), w.joinAs("b", digits("b"), "n"), w.join("other", "m")
			a.fence()
			for _, kind := range kinds {
				a.raw(`{"type":"` + kind + `","data":{"sdp":1.0},"networkName":"n","targetPeerId":"` + string(b.ID()) + `"}`)
				if relay {
					b.wantText(`{"type":"` + kind + `","data":{"sdp":1.0},"fromPeerId":"A","targetPeerId":"B","networkName":"n","timestamp":T}`)
					a.raw(`{"type":"` + kind + `","data":1,"networkName":"m","targetPeerId":"` + string(other.ID()) + `"}`)
				} else if got, want := a.nextText(), strings.ReplaceAll(unroutedText, "%s", kind); got != want {
					t.Errorf("answered\n%s, want\n%s", got, want)
				}
			}
			for _, p := range []*peer{a, b, other} {
				p.wantNothing()
			}
		})
	}
}
