package hostile

import (
	"bytes"
	"math"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Frames returns the frames against RFC 6455, and such that only an attacker sends.
func Frames() (list []Input) {
	ping := []byte(`{"type":"ping"}`)
	for _, f := range []struct {
		name  string
		ends  wire.CloseReason
		bytes []byte
	}{
		{"not masked", wire.ReasonProtocolError, append(header(Final|Text, 0, uint64(len(ping))), ping...)},
		{"reserved bit", wire.ReasonProtocolError, Frame(Final|RSV1|Text, ping)},
		{"second reserved bit", wire.ReasonProtocolError, Frame(Final|RSV2|Text, ping)},
		{"third reserved bit", wire.ReasonProtocolError, Frame(Final|RSV3|Text, ping)},
		{"reserved opcode", wire.ReasonProtocolError, Frame(Final|0x3, ping)},
		{"reserved control opcode", wire.ReasonProtocolError, Frame(Final|0xb, nil)},
		{"last reserved opcode", wire.ReasonProtocolError, Frame(Final|0xf, nil)},
		{"ping too long", wire.ReasonProtocolError, Frame(Final|Ping, make([]byte, 126))},
		{"ping in fragments", wire.ReasonProtocolError, Frame(Ping, nil)},
		{"continuation of nothing", wire.ReasonProtocolError, Frame(Final|Continuation, ping)},
		{"message within a message", wire.ReasonProtocolError, append(Frame(Text, ping[:3]), TextFrame(string(ping))...)},
		{"claims 2^64-1 bytes", wire.ReasonMessageTooBig, Header(Final|Text, math.MaxUint64)},
		{"claims 2^63 bytes", wire.ReasonMessageTooBig, Header(Final|Text, 1<<63)},
		{"claims 2^62 bytes", wire.ReasonMessageTooBig, Header(Final|Text, 1<<62)},
		{"claims 1 TiB", wire.ReasonMessageTooBig, Header(Final|Text, 1<<40)},
		{"claims a byte too many", wire.ReasonMessageTooBig, Header(Final|Text, wire.MaxMessageBytes+1)},
		{"length not minimal", wire.ReasonNone, append([]byte{Final | Text, masked | len64, 0, 0, 0, 0, 0, 0, 0, byte(len(ping)), 0, 0, 0, 0}, ping...)},
		{"close without a code", wire.ReasonPeerClosed, Frame(Final|Close, []byte{3})},
		{"close code 1005", wire.ReasonProtocolError, CloseFrame(1005, "")},
		{"close code 0", wire.ReasonProtocolError, CloseFrame(0, "")},
		{"close reason in invalid UTF-8", wire.ReasonProtocolError, CloseFrame(1000, "\xff\xff")},
		{"message after close", wire.ReasonPeerClosed, append(CloseFrame(1000, ""), bytes.Repeat(TextFrame(string(ping)), 100)...)},
		{"pongs without a ping", wire.ReasonNone, bytes.Repeat(Frame(Final|Pong, []byte("x")), 3)},
	} {
		list = append(list, Input{Name: "frame: " + f.name, Ends: f.ends, Bytes: fixed(f.bytes)})
	}
	return append(list,
		Input{Name: "frame: half of one", Half: true, Bytes: fixed(TextFrame(string(ping))[:10])},
		Input{Name: "frame: half of a header", Half: true, Bytes: fixed([]byte{Final | Text})},
		Input{Name: "frame: fragments without end", Half: true, Bytes: fixed(append(Frame(Text, nil), bytes.Repeat(Frame(Continuation, nil), 10)...))},
	)
}
