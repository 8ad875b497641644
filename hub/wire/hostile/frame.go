package hostile

import "encoding/binary"

// Bits of the first byte of a frame. RFC 6455 section 5.2 names them.
const (
	Final = 0x80
	RSV1  = 0x40
	RSV2  = 0x20
	RSV3  = 0x10

	Continuation = 0x0
	Text         = 0x1
	Binary       = 0x2
	Close        = 0x8
	Ping         = 0x9
	Pong         = 0xa
)

const (
	masked = 0x80 // bit of the second byte
	len16  = 126  // the length is in the next 2 bytes
	len64  = 127  // the length is in the next 8 bytes
)

// Frame returns a frame of a client with the given first byte. Its mask is zero, so the
// payload is as it was.
func Frame(first byte, payload []byte) []byte {
	return append(Header(first, uint64(len(payload))), payload...)
}

// Header returns the header of a masked frame of n bytes. Its mask is zero.
func Header(first byte, n uint64) []byte { return append(header(first, masked, n), 0, 0, 0, 0) }

func header(first, mask byte, n uint64) []byte {
	switch {
	case n < len16:
		return []byte{first, mask | byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{first, mask | len16}, uint16(n))
	default:
		return binary.BigEndian.AppendUint64([]byte{first, mask | len64}, n)
	}
}

// TextFrame returns a text message in one frame.
func TextFrame(message string) []byte { return Frame(Final|Text, []byte(message)) }

// CloseFrame returns a close frame.
func CloseFrame(code uint16, reason string) []byte {
	return Frame(Final|Close, append(binary.BigEndian.AppendUint16(nil, code), reason...))
}
