package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// The peers of the reference transcripts.
var (
	a40 = wire.PeerID(strings.Repeat("a", 40))
	b40 = wire.PeerID(strings.Repeat("b", 40))
	c40 = wire.PeerID(strings.Repeat("c", 40))
)

// expand puts ids and time into a line of the reference transcripts.
func expand(line string) string {
	return strings.NewReplacer("$A", string(a40), "$B", string(b40), "$C", string(c40), "$T", "1763893216135").Replace(line)
}

// The frames have exactly the bytes of the reference server.
func TestFramesAreThoseOfTheReference(t *testing.T) {
	t.Parallel()
	extra := wire.ParseAnnouncement([]byte(`{"isHub":"yes","peerId":"forged","z":1,"a":{"y":[1,2,{"q":null}],"x":1.50},"big":12345678901234567890}`)).Extra
	for _, tc := range []struct {
		name  string
		frame []byte
		want  string
	}{
		{"connected", wire.AppendConnected(nil, a40, clock),
			`{"type":"connected","data":{"peerId":"$A"},"fromPeerId":"system","timestamp":$T}`},
		{"pong", wire.AppendPong(nil, a40, clock),
			`{"type":"pong","data":{"timestamp":$T},"fromPeerId":"system","targetPeerId":"$A","timestamp":$T}`},
		{"error", wire.AppendError(nil, wire.ErrorText("cleanup-all"), clock),
			`{"type":"error","error":"Signaling server does not route 'cleanup-all' messages. Use WebRTC data channels for peer-to-peer communication.","timestamp":$T}`},
		{"peer-discovered", wire.NewDiscovered(b40, false, nil, "n1").AppendTo(nil, a40, clock),
			`{"type":"peer-discovered","data":{"peerId":"$B","isHub":false},"networkName":"n1","fromPeerId":"system","targetPeerId":"$A","timestamp":$T}`},
		{"peer-discovered of a hub", wire.NewDiscovered(b40, true, nil, "pigeonhub-mesh").AppendTo(nil, a40, clock),
			`{"type":"peer-discovered","data":{"peerId":"$B","isHub":true},"networkName":"pigeonhub-mesh","fromPeerId":"system","targetPeerId":"$A","timestamp":$T}`},
		{"peer-discovered with data", wire.NewDiscovered(b40, false, extra, "n1").AppendTo(nil, a40, clock),
			`{"type":"peer-discovered","data":{"peerId":"$B","isHub":false,"z":1,"a":{"y":[1,2,{"q":null}],"x":1.50},"big":12345678901234567890},"networkName":"n1","fromPeerId":"system","targetPeerId":"$A","timestamp":$T}`},
		{"peer-disconnected", wire.NewDisconnected(b40, false, "n1").AppendTo(nil, c40, clock),
			`{"type":"peer-disconnected","data":{"peerId":"$B","isHub":false},"networkName":"n1","fromPeerId":"system","targetPeerId":"$C","timestamp":$T}`},
		{"peer-discovered of another hub", wire.NewForwarded(wire.KindPeerDiscovered, []byte(`{"x":1,"peerId":"`+string(b40)+`"}`), "n1").AppendTo(nil, a40, clock),
			`{"type":"peer-discovered","data":{"x":1,"peerId":"$B"},"networkName":"n1","fromPeerId":"system","targetPeerId":"$A","timestamp":$T}`},
		{"forwarded without data", wire.NewForwarded(wire.KindPeerDisconnected, nil, "n1").AppendTo(nil, a40, clock),
			`{"type":"peer-disconnected","networkName":"n1","fromPeerId":"system","targetPeerId":"$A","timestamp":$T}`},
		{"offer", wire.AppendRelay(nil, wire.KindOffer, []byte(`{"type":"offer","sdp":"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n","timestamp":1}`), a40, b40, "n1", clock),
			`{"type":"offer","data":{"type":"offer","sdp":"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n","timestamp":1},"fromPeerId":"$A","targetPeerId":"$B","networkName":"n1","timestamp":$T}`},
		{"answer without data", wire.AppendRelay(nil, wire.KindAnswer, nil, a40, b40, "global", clock),
			`{"type":"answer","fromPeerId":"$A","targetPeerId":"$B","networkName":"global","timestamp":$T}`},
		{"ice-candidate of null", wire.AppendRelay(nil, wire.KindICECandidate, []byte(`null`), a40, b40, "n1", clock),
			`{"type":"ice-candidate","data":null,"fromPeerId":"$A","targetPeerId":"$B","networkName":"n1","timestamp":$T}`},
		{"offer of a text", wire.AppendRelay(nil, wire.KindOffer, []byte(`"text"`), a40, a40, "n1", clock),
			`{"type":"offer","data":"text","fromPeerId":"$A","targetPeerId":"$A","networkName":"n1","timestamp":$T}`},
		{"goodbye", wire.AppendRelay(nil, wire.KindGoodbye, []byte(`{"peerId":"`+string(a40)+`","timestamp":1}`), a40, "", "g", clock),
			`{"type":"goodbye","data":{"peerId":"$A","timestamp":1},"fromPeerId":"$A","networkName":"g","timestamp":$T}`},
		{"goodbye without data", wire.AppendRelay(nil, wire.KindGoodbye, nil, a40, "", "g", clock),
			`{"type":"goodbye","fromPeerId":"$A","networkName":"g","timestamp":$T}`},
		{"network to be escaped", wire.AppendRelay(nil, wire.KindOffer, nil, a40, b40, "a\",\"x\":\"\\\n\u2028é", clock),
			`{"type":"offer","fromPeerId":"$A","targetPeerId":"$B","networkName":"a\",\"x\":\"\\\n` + "\u2028" + `é","timestamp":$T}`},
	} {
		if got, want := payload(t, tc.frame), expand(tc.want); got != want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, want)
		}
	}
}

func TestControlFrames(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("x", 123)
	for _, tc := range []struct {
		name  string
		frame []byte
		want  string
	}{
		{"ping", wire.AppendPing(nil, ""), "\x89\x00"},
		{"ping with payload", wire.AppendPing(nil, "1z"), "\x89\x021z"},
		{"pong", wire.AppendPongFrame(nil, ""), "\x8a\x00"},
		{"pong of a ping", wire.AppendPongFrame(nil, "hello"), "\x8a\x05hello"},
		{"pong, full", wire.AppendPongFrame(nil, full+"yz"), "\x8a\x7d" + full + "yz"},
		{"close", wire.AppendClose(nil, 1008, "Invalid peerId format"), "\x88\x17\x03\xf0Invalid peerId format"},
		{"close without text", wire.AppendClose(nil, 1009, ""), "\x88\x02\x03\xf1"},
		{"close, echoed", wire.AppendClose(nil, 4321, "my reason"), "\x88\x0b\x10\xe1my reason"},
		{"close, full", wire.AppendClose(nil, 1000, full), "\x88\x7d\x03\xe8" + full},
		{"close without code", wire.AppendClose(nil, wire.CodeNoStatus, "never sent"), "\x88\x00"},
		{"close after another frame", wire.AppendClose([]byte("\x8a\x00"), 1000, "Server shutting down"), "\x8a\x00\x88\x16\x03\xe8Server shutting down"},
	} {
		if string(tc.frame) != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, tc.frame, tc.want)
		}
	}
}

// Builders append: what stands in the buffer stays, whatever the header's length.
func TestFramesAppend(t *testing.T) {
	t.Parallel()
	big := []byte(quoted(strings.Repeat("x", 1<<16)))
	for name, add := range map[string]func(dst []byte) []byte{
		"connected": func(dst []byte) []byte { return wire.AppendConnected(dst, alice, clock) },
		"pong":      func(dst []byte) []byte { return wire.AppendPong(dst, alice, clock) },
		"error":     func(dst []byte) []byte { return wire.AppendError(dst, "e", clock) },
		"relay":     func(dst []byte) []byte { return wire.AppendRelay(dst, wire.KindOffer, nil, alice, bob, "n", clock) },
		"large":     func(dst []byte) []byte { return wire.AppendRelay(dst, wire.KindOffer, big, alice, bob, "n", clock) },
		"notice":    func(dst []byte) []byte { return wire.NewDiscovered(alice, false, nil, "n").AppendTo(dst, bob, clock) },
	} {
		alone := add(nil)
		for _, spare := range []int{0, 1, 100, 1 << 18} {
			dst := append(make([]byte, 0, 6+spare), "before"...)
			if got := add(dst); string(got) != "before"+string(alone) {
				t.Errorf("%s, after 6 bytes with room for %d more: %.60q, want %.60q", name, spare, got, alone)
			}
		}
	}
}

// The receivers' notices differ in the 40 digits of the target and in the time,
// and one does not write into what another reads.
func TestNoticeAppendTo(t *testing.T) {
	t.Parallel()
	for name, notice := range map[string]wire.Notice{
		"discovered":    wire.NewDiscovered(alice, true, []byte(`,"targetPeerId":"x","timestamp":5`), `"timestamp":1}`),
		"disconnected":  wire.NewDisconnected(alice, false, ""),
		"short header":  wire.NewForwarded(wire.KindError, nil, ""),
		"longer header": wire.NewDiscovered(alice, false, []byte(`,"a":"`+strings.Repeat("x", 1<<16)+`"`), "meadow"),
	} {
		before := bytes.Clone(notice)
		first := notice.AppendTo(nil, a40, clock)
		second := notice.AppendTo([]byte("before"), b40, clock+8_642_097_531)
		want := strings.NewReplacer(
			`"targetPeerId":"`+string(a40), `"targetPeerId":"`+string(b40),
			`"timestamp":1763893216135}`, `"timestamp":1772535313666}`,
		).Replace(string(first))
		if string(second) != "before"+want {
			t.Errorf("%s: the second receiver gets\n     %.300q\nwant %.300q", name, second, "before"+want)
		}
		if !bytes.Equal(notice, before) {
			t.Errorf("%s: the notice changed", name)
		}
		payload(t, first)
	}
}

// A notice is JSON whatever the clock says: that of a testing/synctest bubble
// starts in 2000, when milliseconds had 12 digits, that of a board without a
// battery in 1970.
func TestNoticeTime(t *testing.T) {
	t.Parallel()
	notice := wire.NewDisconnected(alice, false, "n1")
	for at, want := range map[int64]string{
		clock:              "1763893216135",
		1_000_000_000_000:  "1000000000000",
		946_684_800_000:    "946684800000",
		1_001:              "1001",
		10:                 "10",
		9:                  "9",
		0:                  "0",
		-1:                 "0",
		-1 << 63:           "0",
		9_999_999_999_999:  "9999999999999",
		10_000_000_000_000: "9999999999999",
		1<<63 - 1:          "9999999999999",
	} {
		all := fields(t, payload(t, notice.AppendTo(nil, bob, at)))
		if got := all[len(all)-1]; got != (field{"timestamp", want}) {
			t.Errorf("at %d the notice says %v, want %s", at, got, want)
		}
	}
}
