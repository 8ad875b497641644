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
//	operator.go, operator.html, .css      the pages for people
//	overview.go, room.go, peers.go        what they show
//	plot.go, top.go, format.go, reasons.go  plots, the largest, words
//	actions.go                            what they do
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
// reach the listener. The page / is for people. It shows who is refused and from where, what may
// leak, how many more peers fit, networks by size, peers that send most, the last hour, and how to
// restart. A page for each peer, /peers/ID, says what is known of its connection and why earlier ones
// ended. They need no script, read the hub's collections in small pieces, and are bounded in size. The
// other pages are
// /debug/state (every collection with its length and bound, and whether the hub's
// invariants hold; status 500 if not), /debug/pprof/, /metrics, /livez and /readyz.
//
// # Actions
//
// POST /disconnect closes the connection of the peer in the field peer. POST /drain, with any value in
// the field sure, calls PrivateConfig.Drain. Both are refused unless the request came through RequireToken
// with the token, also on loopback: there any program of any user could send them. A request of a
// browser, which adds the token by itself, must come from the same origin and have the key of the form. One
// with a bearer token needs no key:
//
//	curl -H "Authorization: Bearer $TOKEN" -d peer=ID localhost:6060/disconnect
//
// Each, also a refused one, is a line "operator action" in the log.
//
// # Imports
//
// Importing this package imports net/http/pprof and, through Prometheus, expvar. Both
// register handlers in http.DefaultServeMux, so a program should not serve that.
package admin
