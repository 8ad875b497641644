package codec

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// PeerPigeon is the codec of PeerPigeon hubs.
type PeerPigeon struct{}

func newPeerPigeon(o Options) (Codec, error) {
	if o.Text != nil {
		return nil, errNoTemplates
	}
	return PeerPigeon{}, nil
}

// Greets marks a Greeter.
func (PeerPigeon) Greets() {}

// NotifiesMembers marks a MemberNotifier.
func (PeerPigeon) NotifiesMembers() {}

// NamesNetworks marks a NetworkNamer.
func (PeerPigeon) NamesNetworks() {}

// Address names the peer in the query, as shipped clients do.
func (PeerPigeon) Address(base string, id wire.PeerID) (string, error) {
	address, err := wire.PeerURL(base, id)
	if err != nil {
		return "", fmt.Errorf("address: %w", err)
	}
	return address, nil
}

// Announce returns the announce of a shipped client.
func (PeerPigeon) Announce(id wire.PeerID, network string) []byte {
	return message(wire.Message{Type: wire.KindAnnounce.String(), NetworkName: network,
		Data: fmt.Appendf(nil, `{"peerId":%q}`, id)})
}

// AnnounceHub returns an announce with the isHub field.
func (PeerPigeon) AnnounceHub(id wire.PeerID, network string, isHub bool) []byte {
	return message(wire.Message{Type: wire.KindAnnounce.String(), NetworkName: network,
		Data: fmt.Appendf(nil, `{"peerId":%q,"isHub":%t}`, id, isHub)})
}

// Report returns the notice of a discovery from one hub to another.
func (PeerPigeon) Report(of wire.PeerID, network string) []byte {
	return message(wire.Message{Type: wire.KindPeerDiscovered.String(), NetworkName: network,
		Data: fmt.Appendf(nil, `{"peerId":%q}`, of)})
}

// Signal returns an offer, answer or ICE candidate. It writes the JSON itself, because
// encoding/json would validate the data again: a quarter of the CPU time of the generator
// at many thousands a second.
func (PeerPigeon) Signal(kind wire.Kind, _, to wire.PeerID, network string, data []byte) []byte {
	b := make([]byte, 0, len(data)+len(to)+len(network)+128)
	b = append(b, `{"type":`...)
	b = strconv.AppendQuote(b, kind.String())
	b = append(append(b, `,"data":`...), data...)
	b = append(b, `,"targetPeerId":`...)
	b = strconv.AppendQuote(b, string(to))
	b = append(b, `,"networkName":`...)
	b = appendText(b, network)
	return append(b, '}')
}

// appendText appends a JSON string.
func appendText(b []byte, text string) []byte {
	t, err := json.Marshal(text)
	if err != nil {
		panic(fmt.Sprintf("loadgen: a string cannot be encoded: %v", err))
	}
	return append(b, t...)
}

// Goodbye returns what a shipped client sends before it disconnects.
func (PeerPigeon) Goodbye(id wire.PeerID, network string) []byte {
	return message(wire.Message{Type: wire.KindGoodbye.String(), NetworkName: network,
		Data: fmt.Appendf(nil, `{"peerId":%q,"timestamp":%d}`, id, time.Now().UnixMilli())})
}

// Ping returns the ping of the protocol.
func (PeerPigeon) Ping() []byte { return []byte(`{"type":"ping"}`) }

// message encodes a message, whose data must be valid JSON.
func message(m wire.Message) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("loadgen: a message cannot be encoded: %v", err))
	}
	return b
}

// Decode parses a message as the hub does: in one pass, without a copy.
func (PeerPigeon) Decode(b []byte) Event {
	e, err := wire.Parse(b)
	if err != nil {
		return Event{}
	}
	ev := Event{Network: wire.DefaultNetwork, From: e.From, Data: e.Data}
	if e.Network != nil {
		ev.Network = string(e.Network)
	}
	switch {
	case e.Kind == wire.KindConnected:
		ev.Kind = EventGreeting
	case e.Kind == wire.KindPong:
		ev.Kind = EventPong
	case e.Kind.Signal():
		ev.Kind, ev.Signal = EventSignal, e.Kind
	case e.Kind == wire.KindPeerDiscovered:
		ev.Kind, ev.Peer = EventDiscovered, wire.PeerIDOf(e.Data)
	case e.Kind == wire.KindPeerDisconnected && e.Network != nil:
		// The reference also sends one without a network, to all peers.
		ev.Kind, ev.Peer = EventGone, wire.PeerIDOf(e.Data)
	}
	return ev
}
