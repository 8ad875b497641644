package hubtest

import (
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Trace returns a hub.Config.Trace that adds the hub's sessions and their connections to
// w: what is reachable after its session has ended is retained. label returns the
// scenario of a peer, see detect.Watch; nil means the peer id.
func Trace(w *detect.Watch, label func(wire.PeerID) string) *hub.Trace {
	if label == nil {
		label = func(id wire.PeerID) string { return string(id) }
	}
	return &hub.Trace{
		SessionBegin: func(s hub.SessionTrace) {
			l := label(s.PeerID)
			// Add refuses only what is not a pointer to a struct with pointers.
			_ = w.Add(s.Object, l)
			_ = w.Add(s.Conn, l)
		},
	}
}
