package hubtest

import (
	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Trace has a hub's sessions and their connections watched: what is still there
// after its session has ended is retained. label says which scenario a peer is of,
// see harness.Watch; nil has the id for a label. Give it to hub.Config.Trace.
func Trace(w *harness.Watch, label func(wire.PeerID) string) *hub.Trace {
	if label == nil {
		label = func(id wire.PeerID) string { return string(id) }
	}
	return &hub.Trace{
		SessionBegin: func(s hub.SessionTrace) {
			l := label(s.PeerID)
			// Sessions are structs with pointers in them: these cannot be refused.
			_ = w.Add(s.Object, l)
			_ = w.Add(s.Conn, l)
		},
	}
}
