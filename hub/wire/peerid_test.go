package wire_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"unsafe"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func TestPeerIDValid(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		id   string
		want bool
	}{
		{"0123456789abcdefABCDEF0123456789abcdefAB", true},
		{strings.Repeat("0", 40), true},
		{strings.Repeat("9", 40), true},
		{strings.Repeat("a", 40), true},
		{strings.Repeat("f", 40), true},
		{strings.Repeat("A", 40), true},
		{strings.Repeat("F", 40), true},
		{"", false},
		{strings.Repeat("a", 39), false},
		{strings.Repeat("a", 41), false},
		{strings.Repeat("a", 80), false},
		{strings.Repeat(" ", 40), false},
		{strings.Repeat("é", 20), false}, // 40 bytes
		{strings.Repeat("a", 39) + "\n", false},
		{"\x00" + strings.Repeat("a", 39), false},
		{strings.Repeat("a", 39) + "\x80", false},
	} {
		if got := wire.PeerID(tc.id).Valid(); got != tc.want {
			t.Errorf("PeerID(%q).Valid() = %v, want %v", tc.id, got, tc.want)
		}
	}
}

// Of all 256 bytes the 22 digits are the only ones an id may hold.
func TestPeerIDValidDigits(t *testing.T) {
	t.Parallel()
	const digits = "0123456789abcdefABCDEF"
	for c := range 256 {
		id := wire.PeerID(strings.Repeat("a", 20) + string([]byte{byte(c)}) + strings.Repeat("a", 19))
		if got, want := id.Valid(), strings.IndexByte(digits, byte(c)) >= 0; got != want {
			t.Errorf("an id with the byte %#02x: Valid() = %v, want %v", c, got, want)
		}
	}
}

func TestNewPeerID(t *testing.T) {
	t.Parallel()
	seen := make(map[wire.PeerID]bool)
	for range 1000 {
		id := wire.NewPeerID()
		if !id.Valid() || string(id) != strings.ToLower(string(id)) {
			t.Fatalf("NewPeerID() = %q, want 40 digits in lower case", id)
		}
		if seen[id] {
			t.Fatalf("NewPeerID() = %q twice", id)
		}
		seen[id] = true
	}
}

func TestPeerIDClone(t *testing.T) {
	t.Parallel()
	request := "GET /?peerId=" + string(alice) + " HTTP/1.1"
	cut := wire.PeerID(request[13 : 13+wire.PeerIDLen])
	id := cut.Clone()
	if id != alice {
		t.Errorf("Clone() = %q, want %q", id, alice)
	}
	if unsafe.StringData(string(id)) == unsafe.StringData(string(cut)) {
		t.Error("Clone() still points into the request")
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	zeros, ones, fifteens := strings.Repeat("0", 40), strings.Repeat("1", 40), strings.Repeat("f", 40)
	for _, tc := range []struct {
		a, b string
		want int
	}{
		{zeros, zeros, 0},
		{zeros, fifteens, 600},
		{fifteens, zeros, 600},
		{ones, strings.Repeat("2", 40), 120},
		{"8" + zeros[1:], "7" + zeros[1:], 15},
		{zeros[1:] + "f", zeros, 15},
		{strings.ToUpper(fifteens), fifteens, 0}, // two peers, yet no way apart
		{strings.Repeat("A", 40), strings.Repeat("5", 40), 600},
		// The members of the reference transcript, from the leaver 11...
		{ones, strings.Repeat("12", 20), 60},
		{ones, strings.Repeat("3", 40), 80},
		{ones, strings.Repeat("14", 20), 100},
		{ones, strings.Repeat("1f", 20), 280},
		{ones, strings.Repeat("7", 40), 240},
		{ones, strings.Repeat("2f", 20), 340}, // the sixth, who hears nothing
	} {
		if got := wire.Distance(wire.PeerID(tc.a), wire.PeerID(tc.b)); got != tc.want {
			t.Errorf("Distance(%s, %s) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}

// W44, G15: the predecessors make ids from a generator, or a clock, that can be
// guessed. Ours come from the system's: in one and the same instant of a bubble's
// clock they have nothing in common.
func TestW44G15IDsCannotBeGuessed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const ids = 1000
		var ones [4 * wire.PeerIDLen]int
		seen := map[wire.PeerID]bool{}
		for range ids {
			id := wire.NewPeerID()
			if seen[id] || !id.Valid() {
				t.Fatalf("%s came twice, or is no id", id)
			}
			seen[id] = true
			for i := range wire.PeerIDLen {
				for bit := range 4 {
					ones[4*i+bit] += strings.IndexByte("0123456789abcdef", id[i]) >> bit & 1
				}
			}
		}
		for i, n := range ones { // each bit is a coin; 10 sigma
			if n < ids/2-158 || n > ids/2+158 {
				t.Errorf("bit %d is set in %d of %d ids", i, n, ids)
			}
		}
	})
}

// W51: the reference calls its distance XOR, but it is a sum over digits. Every hub must keep it,
// because it decides which peers are notified of a goodbye.
func TestW51DistanceIsTheSumOverDigits(t *testing.T) {
	t.Parallel()
	a, b := wire.PeerID(strings.Repeat("0", 39)+"f"), wire.PeerID("f"+strings.Repeat("0", 39))
	zero := wire.PeerID(strings.Repeat("0", 40))
	if wire.Distance(a, zero) != 15 || wire.Distance(b, zero) != 15 || wire.Distance(a, b) != 30 {
		t.Errorf("distances %d, %d, %d, want 15, 15, 30: a digit counts the same wherever it stands", wire.Distance(a, zero), wire.Distance(b, zero), wire.Distance(a, b))
	}
}
