package wire

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// PeerIDLen is the length of a peer id: 20 bytes in hexadecimal.
const PeerIDLen = 40

// PeerID names a peer: 40 hexadecimal digits. The hub compares ids as opaque
// strings, so the same digits in upper and lower case are two peers.
type PeerID string

// NewPeerID returns a random id in lower case, as the shipped clients do.
func NewPeerID() PeerID {
	var b [PeerIDLen / 2]byte
	rand.Read(b[:])
	return PeerID(hex.EncodeToString(b[:]))
}

// Valid reports whether id is 40 hexadecimal digits.
func (id PeerID) Valid() bool { return valid(id) }

func valid[T PeerID | []byte](id T) bool {
	if len(id) != PeerIDLen {
		return false
	}
	for i := range len(id) {
		if hexValue(id[i]) < 0 {
			return false
		}
	}
	return true
}

// Clone returns a copy of id. An id that is a substring of a request or a message keeps
// all of it reachable.
func (id PeerID) Clone() PeerID { return PeerID(strings.Clone(string(id))) }

// Distance returns the distance of two valid ids: the sum over all digits of digit XOR
// digit. A goodbye goes to the closest members (protocol section 5.4).
func Distance(a, b PeerID) int {
	sum := 0
	for i := range min(len(a), len(b)) {
		sum += hexValue(a[i]) ^ hexValue(b[i])
	}
	return sum
}

// hexValue returns the value of one hexadecimal digit, or -1.
func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
