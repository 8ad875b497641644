package loadgen

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// echoCodec is a codec that no other file knows: its target echoes, and all that it has
// beside an announce is a ping.
type echoCodec struct{}

func (echoCodec) Address(base string, id wire.PeerID) (string, error) {
	return base + "/" + string(id), nil
}

func (echoCodec) Announce(wire.PeerID, string) []byte { return []byte("hello") }
func (echoCodec) Ping() []byte                        { return []byte("ping") }

func (echoCodec) Decode(message []byte) codec.Event {
	if bytes.Equal(message, echoCodec{}.Ping()) {
		return codec.Event{Kind: codec.EventPong}
	}
	return codec.Event{}
}

// A codec of another protocol goes through a run.
func TestCodecOfAnotherProtocol(t *testing.T) {
	t.Parallel()
	p := planWith(t, "steady", plan.Phase{Peers: 10, Rate: 200, Duration: 500 * time.Millisecond, Networks: 2})
	r := run(t, Config{URL: (&chat{alone: true}).start(t), Plan: p, Codec: echoCodec{}})
	if n := r.Latencies.Hops[latency.HopPing].Latency.Count(); n == 0 || len(r.Errors) > 0 || r.Verdict.Run.Lives != 11 {
		t.Errorf("%d pings were answered, %d lives, errors %v", n, r.Verdict.Run.Lives, r.Errors)
	}
}

// A check tests what the codec has the words for, and reports what it left out.
func TestCodecCheckReportsWhatIsNotTested(t *testing.T) {
	t.Parallel()
	r := run(t, Config{URL: (&chat{alone: true}).start(t), Plan: quickCheck(t, 23), Codec: echoCodec{}})
	var tested []string
	for _, s := range r.Verdict.Scenarios {
		tested = append(tested, s.Name)
	}
	if slices.Sort(tested); !slices.Equal(tested, []string{"clean", "early-close", "rst", "vanish"}) || r.Verdict.Outcome != verdict.Pass {
		t.Errorf("outcome %s, tested %v", r.Verdict.Outcome, tested)
	}
	for _, name := range []string{"goodbye", "roam", "signal", "networks", "large-name", "duplicate", "hubs", "ghost"} {
		if !slices.ContainsFunc(r.Figures, func(f report.Figure) bool {
			return f.Name == notTested+name && strings.Contains(f.Text, "does not have")
		}) {
			t.Errorf("the report does not say that %s was not tested: %v", name, r.Figures)
		}
	}
}

// A profile that needs what the codec lacks is refused before the run.
func TestCodecRefused(t *testing.T) {
	t.Parallel()
	for word, lacking := range map[string]string{
		"fanout": "notices of joins", "halfopen": "notices of joins", "signal": "recognised", "drain": "recognised", "stall": "from peer to peer",
		"networks": "networks that a peer names", "roam": "networks that a peer names", "duplicate": "from peer to peer", "hubs": "hubs among",
	} {
		_, err := Run(t.Context(), Config{URL: "ws://127.0.0.1:1", Plan: planWith(t, word, plan.Phase{}), Codec: echoCodec{}})
		if err == nil || !strings.Contains(err.Error(), lacking) {
			t.Errorf("%s: %v, want an error that names %q", word, err, lacking)
		}
	}
	p := planWith(t, "churn", plan.Phase{Params: map[string]string{"leave": "goodbye"}})
	if _, err := Run(t.Context(), Config{URL: "ws://127.0.0.1:1", Plan: p, Codec: echoCodec{}}); err == nil || !strings.Contains(err.Error(), "goodbyes") {
		t.Errorf("churn by goodbyes: %v", err)
	}
}
