package loadgen

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
)

func TestTag(t *testing.T) {
	t.Parallel()
	want := tag{7, 12, 1500, 1600}
	for _, k := range []wire.Kind{wire.KindOffer, wire.KindAnswer, wire.KindICECandidate} {
		data := signalData(k, want)
		if got, ok := parseTag(data); !ok || got != want {
			t.Errorf("%s: got %+v, %v", k, got, ok)
		}
		if ev := (codec.PeerPigeon{}).Decode(codec.PeerPigeon{}.Signal(k, ann, bob, "n", data)); ev.Kind != codec.EventSignal || ev.Signal != k || ev.Network != "n" {
			t.Errorf("%s: decoded as %+v", k, ev)
		}
	}
	if n := len(signalData(wire.KindOffer, want)); n < 1000 || n > 4000 {
		t.Errorf("an offer has %d bytes, not what browsers send", n)
	}
	for _, text := range []string{"", `{"tag":"`, `{"tag":"1.2.3"}`, `{"tag":"1.2.3.x"}`, strings.Repeat("x", 100)} {
		if _, ok := parseTag([]byte(text)); ok {
			t.Errorf("%q was taken for a tag", text)
		}
	}
}
