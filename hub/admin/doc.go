// Package admin has the HTTP pages beside a hub's WebSocket.
//
//	h, err := hub.New(hub.Config{})
//	...
//	srv := &http.Server{
//		Handler:                      admin.Public(h, admin.PublicConfig{}),
//		ReadHeaderTimeout:            10 * time.Second,
//		DisableGeneralOptionsHandler: true, // else net/http answers "OPTIONS *" without CORS
//	}
//	err = srv.ListenAndServe()
//
// The files:
//
//	public.go, health.go, ready.go        the public port
//	private.go, guard.go, token.go        the operator's listener
//	state.go                              /debug/state
//	metrics.go, collections.go, series.go what is measured
//	audit.go                              invariants that do not hold
//	plots.go, viewer.go, rates.go         live plots
//
// # Public
//
// Public serves the port that peers connect to. A WebSocket upgrade on any path goes to
// the hub. All other requests are answered as in protocol section 2, byte for byte:
// /health, /hubs, OPTIONS, and the banner for /. The request target is compared as a
// whole, so /health?x=1 and /health/ are unknown pages. Those get status 404.
//
// It also serves pages that the protocol does not have, because /health is always
// "healthy":
//
//	/livez     200 "ok" while the process serves. A supervisor restarts what fails
//	           this. A full or draining hub does not fail it.
//	/readyz    200 "ready", or 503 with the reason why no new peers should be sent
//	           here: "draining", "memory" or "full"
//	/metrics   Prometheus, if PublicConfig.Metrics is set
//
// # Details
//
// /health and /hubs give details of the hub to every request and to pages of any origin,
// because shipped clients and tools expect that. With PublicConfig.HideDetails only
// requests with the hub's tokens or HubKey get them. /metrics needs the token if the
// hub has one, and has no CORS header.
//
// # Private
//
// Private serves the operator's listener, which is on loopback by default. It asks for no
// token, and a profile may stop the world. RequireToken asks for one where other machines can
// reach the listener. Its index page, /, lists the others:
// /debug/state (every collection with its length and bound, and whether the hub's
// invariants hold; status 500 if not), /debug/statsviz/ (live plots), /debug/pprof/,
// /metrics, /livez and /readyz.
//
// # Imports
//
// Importing this package imports net/http/pprof and, through Prometheus, expvar. Both
// register handlers in http.DefaultServeMux, so a program should not serve that.
package admin
