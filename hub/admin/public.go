package admin

import (
	"io"
	"net/http"
	"net/url"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigeonhub/pigeonhub/hub"
)

// banner is the response to a request for / (protocol section 2).
const banner = "PeerPigeon WebSocket Signaling Server"

// PublicConfig configures Public. The zero value is a drop-in for the reference
// server.
type PublicConfig struct {
	CORSOrigin  string // Access-Control-Allow-Origin of the protocol's responses; default "*"
	HideDetails bool   // /health and /hubs have details only for requests with the hub's token; for none if the hub has no token
	Metrics     bool   // serve /metrics to requests with the hub's token; to all if the hub has no token and HideDetails is not set

	MetricsToken string // the token that /metrics asks for in place of the hub's; "" is none

	Collectors []prometheus.Collector // further metrics, those of the program around the hub
}

// Public returns the handler of the public port. It passes WebSocket upgrades to the
// hub and answers the rest by protocol section 2. It starts no goroutine.
func Public(h *hub.Hub, cfg PublicConfig) http.Handler {
	p := &public{hub: h, cors: cfg.CORSOrigin, hide: cfg.HideDetails, metricsToken: cfg.MetricsToken}
	if p.cors == "" {
		p.cors = "*"
	}
	if cfg.Metrics {
		p.metrics = metricsHandler(h, cfg.Collectors)
	}
	return p
}

// public is the handler that Public returns. Its fields are not changed.
type public struct {
	hub     *hub.Hub
	cors    string
	hide    bool         // PublicConfig.HideDetails
	metrics http.Handler // nil if not served

	metricsToken string // PublicConfig.MetricsToken
}

// tokenless reports whether the hub has no token now: then it authorizes a request
// without one.
func (p *public) tokenless() bool { return p.hub.Authorized(&http.Request{URL: &url.URL{}}) }

func (p *public) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if websocket.IsWebSocketUpgrade(r) {
		p.hub.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", p.cors)
	switch r.Method {
	case http.MethodOptions:
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type, Authorization")
	case http.MethodConnect:
		// A scanner would take 200 for an open proxy.
		http.Error(w, "This is not a proxy.", http.StatusMethodNotAllowed)
	default:
		p.route(w, r)
	}
}

// route answers by the whole request target, for all other methods.
func (p *public) route(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.RequestURI == "/health":
		p.health(w, r)
	case r.RequestURI == "/hubs":
		p.hubs(w, r)
	case r.RequestURI == "/livez":
		live(w)
	case r.RequestURI == "/readyz":
		ready(w, p.hub.Stats())
	case r.RequestURI == "/metrics" && p.metrics != nil:
		p.scrape(w, r)
	case r.URL.Path == "/":
		writeText(w, http.StatusOK, banner)
	default:
		writeText(w, http.StatusNotFound, "not found")
	}
}

// informed reports whether the request gets the details.
func (p *public) informed(r *http.Request) bool {
	if p.tokenless() {
		return !p.hide
	}
	return !p.hide || p.hub.Authorized(r)
}

// scrape serves the metrics. No shipped client reads them, so they need the token if
// there is one, and no CORS header lets pages read them.
func (p *public) scrape(w http.ResponseWriter, r *http.Request) {
	w.Header().Del("Access-Control-Allow-Origin")
	switch {
	case p.metricsToken != "" && !carriesToken(r, p.metricsToken):
		w.Header().Set("WWW-Authenticate", "Bearer")
		writeText(w, http.StatusUnauthorized, "unauthorized")
	case p.metricsToken == "" && (p.hide && p.tokenless() || !p.hub.Authorized(r)):
		p.deny(w)
	default:
		p.metrics.ServeHTTP(w, r)
	}
}

// deny refuses the details: with 401 if a token would help, else with 403.
func (p *public) deny(w http.ResponseWriter) {
	if p.tokenless() {
		writeText(w, http.StatusForbidden, "hidden")
		return
	}
	w.Header().Set("WWW-Authenticate", "Bearer")
	writeText(w, http.StatusUnauthorized, "unauthorized")
}

// writeText writes a response as the reference does: without a charset.
func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(status)
	io.WriteString(w, text)
}
