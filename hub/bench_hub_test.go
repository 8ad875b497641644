//go:build linux

package hub_test

import (
	"net/http"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
)

// The hub as it is shipped, but for the limits on what a peer may send: they are counted, and too high to be met. No
// ping falls into a measured window, as none of naive's does.
var _ = registerBench(benchHub, func() (http.Handler, error) {
	const unmet = 1 << 30
	return hub.New(hub.Config{
		MaxConnections: 100_000,
		MessageRate:    unmet,
		MessageBurst:   unmet,
		AnnounceRate:   unmet,
		AnnounceBurst:  unmet,
		PingInterval:   10 * time.Minute,
	})
})
