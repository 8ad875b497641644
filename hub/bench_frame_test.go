//go:build linux

package hub_test

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gorilla/websocket"
)

// benchFrame builds a client frame: final, masked, any length. Building is never inside a hot loop.
func benchFrame(op byte, payload []byte) []byte {
	frame := []byte{0x80 | op}
	switch n := len(payload); {
	case n < 126:
		frame = append(frame, 0x80|byte(n))
	case n < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 0x80|127), uint64(n))
	}
	key := [4]byte{0x9e, 0x37, 0x79, 0xb9}
	frame = append(frame, key[:]...)
	for i, b := range payload {
		frame = append(frame, b^key[i&3])
	}
	return frame
}

// cutBenchFrame returns the first server frame of buf, whose payload aliases it. n is 0 if it is not all there; need is
// then the size it will have, as far as that is known.
func cutBenchFrame(buf []byte) (op byte, payload []byte, n, need int) {
	if len(buf) < 2 {
		return 0, nil, 0, 2
	}
	head, size := 2, int(buf[1]&0x7f)
	switch size {
	case 126:
		if head = 4; len(buf) < head {
			return 0, nil, 0, head
		}
		size = int(binary.BigEndian.Uint16(buf[2:]))
	case 127:
		if head = 10; len(buf) < head {
			return 0, nil, 0, head
		}
		size = int(binary.BigEndian.Uint64(buf[2:]))
	}
	if len(buf) < head+size {
		return 0, nil, 0, head + size
	}
	return buf[0] & 0x0f, buf[head : head+size], head + size, 0
}

// benchPeerID is the n-th peer id of a run; ids of different n share no prefix, as real ones do not.
func benchPeerID(n int) string {
	sum := sha1.Sum(binary.BigEndian.AppendUint64([]byte("pigeonhub bench"), uint64(n)))
	return hex.EncodeToString(sum[:])
}

// benchAnnounce is what a shipped client sends as soon as its socket is open.
func benchAnnounce(id, network string) []byte {
	return benchFrame(websocket.TextMessage, fmt.Appendf(nil,
		`{"type":"announce","data":{"peerId":"%s"},"networkName":"%s","maxPeers":3}`, id, network))
}

// benchLeaveFrame is the close frame of a shipped client that leaves on purpose.
var benchLeaveFrame = benchFrame(websocket.CloseMessage, append([]byte{0x03, 0xe8}, "Client disconnect"...))

// benchOfferSDP is a data channel offer as Chrome makes it, with the candidates gathered in the first moments: about 1.0 KB,
// 1.2 KB as an envelope.
var benchOfferSDP = strings.ReplaceAll(`v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS
m=application 54321 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 203.0.113.45
a=candidate:1467250027 1 udp 2122260223 192.168.1.23 54321 typ host generation 0 network-id 1 network-cost 10
a=candidate:435653019 1 tcp 1518280447 192.168.1.23 9 typ host tcptype active generation 0 network-id 1 network-cost 10
a=candidate:1853887674 1 udp 1686052607 203.0.113.45 54321 typ srflx raddr 192.168.1.23 rport 54321 generation 0 network-id 1
a=candidate:842163049 1 udp 1677729535 198.51.100.77 61022 typ srflx raddr 10.8.0.2 rport 61022 generation 0 network-id 2
a=ice-ufrag:4ZcD
a=ice-pwd:2/1muCWoOi3uLifh0NuRHlbp
a=ice-options:trickle
a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08
a=setup:actpass
a=mid:0
a=sctp-port:5000
a=max-message-size:262144
`, "\n", "\r\n")

// benchOfferData is the data of an offer, exactly as it must arrive.
func benchOfferData() json.RawMessage {
	data, err := json.Marshal(map[string]string{"type": "offer", "sdp": benchOfferSDP})
	if err != nil {
		panic(err)
	}
	return data
}

func benchOffer(to, network string) []byte {
	return benchFrame(websocket.TextMessage, fmt.Appendf(nil,
		`{"type":"offer","data":%s,"maxPeers":3,"networkName":"%s","targetPeerId":"%s"}`, benchOfferData(), network, to))
}
