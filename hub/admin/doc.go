// Package admin is the HTTP beside a hub's WebSocket.
//
// # Public
//
// Public serves the port that peers connect to. A WebSocket upgrade, on any
// path, goes to the hub; everything else is answered as protocol section 2
// has it, byte for byte: /health, /hubs, OPTIONS, and the banner for any other
// request. The request target is compared as a whole string, so /health?x=1 and
// /health/ are other requests and get the banner.
//
// Beside the protocol it answers the questions that /health cannot, since there
// the answer is always "healthy":
//
//	/livez     200 "ok" while the process serves, whatever else is amiss:
//	           a supervisor restarts what fails this, and a restart cures
//	           neither a full hub nor a draining one
//	/readyz    200 "ready", or 503 with the reason why no new peers should be
//	           sent here: "draining", "memory" or "full"
//	/metrics   Prometheus, if PublicConfig.Metrics says so
//
// # Details
//
// /health and /hubs tell everybody what the hub holds, to pages of any origin
// too; shipped clients and tools expect that. PublicConfig.HideDetails ends it:
// then only who shows the hub's AuthToken or HubKey is told. /metrics on the
// public port is ours and no shipped client reads it, so it is off unless asked
// for, asks for the token whenever the hub has one, and carries no CORS header.
//
// # Private
//
// Private serves the listener of the operator, loopback by default: it asks for
// no token and can stop the world for a profile. Its index page, /, lists what
// there is: /debug/state (every collection with its length and its bound, and
// whether the hub's invariants hold; status 500 if not), /debug/statsviz/ (live
// plots), /debug/pprof/, /metrics, /livez and /readyz.
//
// # Server
//
// The handlers need an http.Server with DisableGeneralOptionsHandler set, or
// net/http itself answers "OPTIONS *", without CORS. Importing this package
// imports net/http/pprof and, through Prometheus, expvar: both enter themselves
// in http.DefaultServeMux, which nothing here serves and nobody should.
package admin
