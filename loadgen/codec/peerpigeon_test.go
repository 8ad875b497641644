package codec

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// A signal that is put together by hand says what an encoder would.
func TestSignalIsJSON(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"global", "", "a \"quoted\" \\ one", "Tauben 🐦\n\x00", "bad \xff UTF-8"} {
		for _, kind := range []wire.Kind{wire.KindOffer, wire.KindAnswer, wire.KindICECandidate} {
			data := []byte(`{"type":"offer","sdp":"v=0\r\n","tag":"1.2.3.4"}`)
			var got, want map[string]any
			if err := json.Unmarshal(PeerPigeon{}.Signal(kind, "", schedule.PeerID(1), network, data), &got); err != nil {
				t.Fatal(err)
			}
			text, _ := json.Marshal(network)
			json.Unmarshal([]byte(`{"type":"`+kind.String()+`","data":`+string(data)+`,"targetPeerId":"`+string(schedule.PeerID(1))+`","networkName":`+string(text)+`}`), &want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	}
}
