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

// Address names the peer in the query, as shipped clients do.
func (PeerPigeon) Address(base string, id wire.PeerID) (string, error) {
	address, err := wire.PeerURL(base, id)
	if err != nil {
		return "", fmt.Errorf("address: %w", err)
	}
	return address, nil
}

// Announce is the announce of a shipped client.
func (PeerPigeon) Announce(id wire.PeerID, network string) []byte {
	return message(wire.Message{Type: wire.KindAnnounce.String(), NetworkName: network,
		Data: fmt.Appendf(nil, `{"peerId":%q}`, id)})
}

// AnnounceHub is the announce of a hub, or of one that is none any more.
func (PeerPigeon) AnnounceHub(id wire.PeerID, network string, isHub bool) []byte {
	return message(wire.Message{Type: wire.KindAnnounce.String(), NetworkName: network,
		Data: fmt.Appendf(nil, `{"peerId":%q,"isHub":%t}`, id, isHub)})
}

// Report is the notice of a discovery from hub to hub.
func (PeerPigeon) Report(of wire.PeerID, network string) []byte {
	return message(wire.Message{Type: wire.KindPeerDiscovered.String(), NetworkName: network,
		Data: fmt.Appendf(nil, `{"peerId":%q}`, of)})
}

// Signal is an offer, answer or ICE candidate. It is put together by hand: of many
// thousands a second, to check the data again is a quarter of all that the generator
// does.
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

// appendText appends a text as JSON.
func appendText(b []byte, text string) []byte {
	t, err := json.Marshal(text)
	if err != nil {
		panic(fmt.Sprintf("loadgen: a text is no JSON: %v", err))
	}
	return append(b, t...)
}

// Goodbye is what a shipped client says when it is told to disconnect.
func (PeerPigeon) Goodbye(id wire.PeerID, network string) []byte {
	return message(wire.Message{Type: wire.KindGoodbye.String(), NetworkName: network,
		Data: fmt.Appendf(nil, `{"peerId":%q,"timestamp":%d}`, id, time.Now().UnixMilli())})
}

// Ping is the protocol's own ping.
func (PeerPigeon) Ping() []byte { return []byte(`{"type":"ping"}`) }

// message encodes a message. Its data is made here, or by what makes signals.
func message(m wire.Message) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("loadgen: a message of our own is no JSON: %v", err))
	}
	return b
}

// Decode reads a message with the parser of the hub: one pass, no copy.
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
		// The reference also sends one without a network, to everybody.
		ev.Kind, ev.Peer = EventGone, wire.PeerIDOf(e.Data)
	}
	return ev
}
