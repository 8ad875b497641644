package loadgen

import "github.com/pigeonhub/pigeonhub/hub/wire"

// Peers of tests.
const (
	ann = wire.PeerID("aa00000000000000000000000000000000000000")
	bob = wire.PeerID("bb00000000000000000000000000000000000000")
)
