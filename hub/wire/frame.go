package wire

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// Opcodes of RFC 6455 section 5.2, with the FIN bit: a hub never fragments.
const (
	opText  = 0x81
	opClose = 0x88
	opPing  = 0x89
	opPong  = 0x8a
)

const (
	targetKey    = `,"targetPeerId":"`
	timestampKey = `,"timestamp":`
	millisDigits = 13 // of a time between 2001 and 2286
	maxMillis    = 9_999_999_999_999
)

// beginFrame reserves the header of a text frame, which endFrame fills in. It reserves
// the header for 126 to 65535 bytes, because most frames have that size. endFrame moves
// the payload of the others.
func beginFrame(dst []byte) ([]byte, int) {
	return append(dst, opText, 126, 0, 0), len(dst)
}

func endFrame(dst []byte, start int) []byte {
	head := dst[start:]
	switch n := len(head) - 4; {
	case n < 126:
		head[1] = byte(n)
		copy(head[2:], head[4:])
		return dst[:len(dst)-2]
	case n < 1<<16:
		binary.BigEndian.PutUint16(head[2:], uint16(n))
		return dst
	default:
		dst = append(dst, 0, 0, 0, 0, 0, 0)
		head = dst[start:]
		copy(head[10:], head[4:])
		head[1] = 127
		binary.BigEndian.PutUint64(head[2:], uint64(n))
		return dst
	}
}

// AppendRelay appends the frame of a message from one peer to another. data is copied
// as it is; a nil data and an empty target are left out. at is the time in Unix
// milliseconds.
func AppendRelay(dst []byte, kind Kind, data []byte, from, target PeerID, network string, at int64) []byte {
	dst, start := beginFrame(dst)
	dst = append(dst, `{"type":"`...)
	dst = append(dst, kind.String()...)
	dst = append(dst, '"')
	if data != nil {
		dst = append(dst, `,"data":`...)
		dst = append(dst, data...)
	}
	dst = append(dst, `,"fromPeerId":"`...)
	dst = append(dst, from...)
	dst = append(dst, '"')
	if target != "" {
		dst = append(append(append(dst, targetKey...), target...), '"')
	}
	dst = append(dst, `,"networkName":`...)
	dst = AppendString(dst, network)
	dst = append(dst, timestampKey...)
	dst = strconv.AppendInt(dst, at, 10)
	return endFrame(append(dst, '}'), start)
}

// AppendConnected appends the greeting of a new session.
func AppendConnected(dst []byte, id PeerID, at int64) []byte {
	dst, start := beginFrame(dst)
	dst = append(dst, `{"type":"connected","data":{"peerId":"`...)
	dst = append(dst, id...)
	dst = append(dst, `"},"fromPeerId":"system","timestamp":`...)
	dst = strconv.AppendInt(dst, at, 10)
	return endFrame(append(dst, '}'), start)
}

// AppendPong appends the answer to a ping message.
func AppendPong(dst []byte, id PeerID, at int64) []byte {
	dst, start := beginFrame(dst)
	dst = append(dst, `{"type":"pong","data":{"timestamp":`...)
	dst = strconv.AppendInt(dst, at, 10)
	dst = append(dst, `},"fromPeerId":"system","targetPeerId":"`...)
	dst = append(dst, id...)
	dst = append(dst, `","timestamp":`...)
	dst = strconv.AppendInt(dst, at, 10)
	return endFrame(append(dst, '}'), start)
}

// AppendError appends an error message.
func AppendError(dst []byte, text string, at int64) []byte {
	dst, start := beginFrame(dst)
	dst = append(dst, `{"type":"error","error":`...)
	dst = AppendString(dst, text)
	dst = append(dst, timestampKey...)
	dst = strconv.AppendInt(dst, at, 10)
	return endFrame(append(dst, '}'), start)
}

// ErrorText returns the text of the error message for a type that the hub does not
// route (protocol section 5.9). typ is cut to 64 bytes.
func ErrorText(typ string) string {
	if cut := 64; len(typ) > cut {
		for cut > 0 && !utf8.RuneStart(typ[cut]) {
			cut--
		}
		typ = typ[:cut] + "…"
	}
	return "Signaling server does not route '" + typ + "' messages. Use WebRTC data channels for peer-to-peer communication."
}

// AppendPing appends a ping control frame; payload is at most 125 bytes.
func AppendPing(dst []byte, payload string) []byte {
	return append(append(dst, opPing, byte(len(payload))), payload...)
}

// AppendPongFrame appends a pong control frame; payload is at most 125 bytes.
func AppendPongFrame(dst []byte, payload string) []byte {
	return append(append(dst, opPong, byte(len(payload))), payload...)
}

// AppendClose appends a close control frame; text is at most 123 bytes. With the code
// CodeNoStatus the frame has neither code nor text.
func AppendClose(dst []byte, code int, text string) []byte {
	if code == CodeNoStatus {
		return append(dst, opClose, 0)
	}
	dst = append(dst, opClose, byte(2+len(text)), byte(code>>8), byte(code))
	return append(dst, text...)
}

// Notice is a frame that the hub sends to many peers. It is made once; for each
// receiver only targetPeerId and the time are overwritten. The zero Notice is not
// valid.
type Notice []byte

// NewDiscovered makes the peer-discovered about a peer. extra is
// Announcement.Extra.
func NewDiscovered(id PeerID, isHub bool, extra []byte, network string) Notice {
	return newNotice(KindPeerDiscovered, aboutPeer(make([]byte, 0, 128), id, isHub, extra), network)
}

// NewDisconnected makes the peer-disconnected about a peer.
func NewDisconnected(id PeerID, isHub bool, network string) Notice {
	return newNotice(KindPeerDisconnected, aboutPeer(make([]byte, 0, 128), id, isHub, nil), network)
}

// NewForwarded makes a notice with the data of a message from another hub, which Parse
// has validated. A nil data is left out.
func NewForwarded(kind Kind, data []byte, network string) Notice {
	return newNotice(kind, data, network)
}

func aboutPeer(dst []byte, id PeerID, isHub bool, extra []byte) []byte {
	dst = append(dst, `{"peerId":"`...)
	dst = append(dst, id...)
	dst = strconv.AppendBool(append(dst, `","isHub":`...), isHub)
	return append(append(dst, extra...), '}')
}

// noticeTail is the end of every notice. AppendTo overwrites its zeros with the id and
// its spaces with the time.
const noticeTail = `,"fromPeerId":"system"` + targetKey +
	`0000000000000000000000000000000000000000"` + timestampKey + `             }`

func newNotice(kind Kind, data []byte, network string) Notice {
	const longest = `{"type":"peer-disconnected","data":,"networkName":""` + noticeTail
	dst, start := beginFrame(make([]byte, 0, 4+len(longest)+len(data)+len(network)))
	dst = append(append(dst, `{"type":"`...), kind.String()...)
	dst = append(dst, '"')
	if data != nil {
		dst = append(append(dst, `,"data":`...), data...)
	}
	dst = append(dst, `,"networkName":`...)
	dst = AppendString(dst, network)
	return endFrame(append(dst, noticeTail...), start)
}

// AppendTo appends the notice for one receiver. A time of fewer than 13 digits, from a
// clock before 2001, has spaces before it, which JSON allows.
func (n Notice) AppendTo(dst []byte, target PeerID, at int64) []byte {
	const (
		time = millisDigits + 1 // from the end, with the brace
		id   = time + len(`"`+timestampKey) + PeerIDLen
	)
	dst = append(dst, n...)
	copy(dst[len(dst)-id:], target)
	at = min(max(at, 0), maxMillis)
	for i := len(dst) - 2; ; i-- {
		dst[i] = byte('0' + at%10)
		if at /= 10; at == 0 {
			return dst
		}
	}
}

// AppendString appends s as a JSON string, as JavaScript's JSON.stringify does: it
// escapes only what must be escaped.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(append(dst, s[from:i]...), '\\')
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, c)
		case '\b':
			dst = append(dst, 'b')
		case '\f':
			dst = append(dst, 'f')
		case '\n':
			dst = append(dst, 'n')
		case '\r':
			dst = append(dst, 'r')
		case '\t':
			dst = append(dst, 't')
		default:
			dst = append(dst, 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}
