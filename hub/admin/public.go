package admin

import (
	"io"
	"net/http"
	"net/url"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub"
)

// banner is what the protocol answers to every request it does not know.
const banner = "PeerPigeon WebSocket Signaling Server"

// PublicConfig configures Public. The zero value is a drop-in for the reference
// server.
type PublicConfig struct {
	CORSOrigin  string // Access-Control-Allow-Origin of the protocol's responses; default "*"
	HideDetails bool   // /health and /hubs say what the hub holds only to who shows its token; to nobody if it has none
	Metrics     bool   // serve /metrics, to who shows the hub's token; to everybody if it has none and HideDetails is not set
}

// Public serves everything on the hub's public port: WebSocket upgrades go to
// the hub, the rest as the protocol has it. It starts nothing.
func Public(h *hub.Hub, cfg PublicConfig) http.Handler {
	p := &public{hub: h, cors: cfg.CORSOrigin, hide: cfg.HideDetails}
	if p.cors == "" {
		p.cors = "*"
	}
	// A hub without a token lets in a request that shows nothing.
	p.tokenless = h.Authorized(&http.Request{URL: &url.URL{}})
	if cfg.Metrics {
		p.metrics = metricsHandler(h)
	}
	return p
}

// public is the handler that Public returns. All of it is fixed.
type public struct {
	hub       *hub.Hub
	cors      string
	hide      bool         // PublicConfig.HideDetails
	tokenless bool         // the hub asks for no token
	metrics   http.Handler // nil: not served here
}

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
		// To a scanner 200 means that it has found an open proxy.
		http.Error(w, "This is no proxy.", http.StatusMethodNotAllowed)
	default:
		p.route(w, r)
	}
}

// route answers by the request target as a whole, whatever the method.
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
	default:
		writeText(w, http.StatusOK, banner)
	}
}

// informed reports whether the request may know what the hub holds.
func (p *public) informed(r *http.Request) bool {
	if p.tokenless {
		return !p.hide
	}
	return !p.hide || p.hub.Authorized(r)
}

// scrape serves the metrics. They are not the protocol's, so no shipped client
// needs them open: a token that exists is asked for, and no page may read them.
func (p *public) scrape(w http.ResponseWriter, r *http.Request) {
	w.Header().Del("Access-Control-Allow-Origin")
	if p.tokenless && p.hide || !p.hub.Authorized(r) {
		p.deny(w)
		return
	}
	p.metrics.ServeHTTP(w, r)
}

// deny answers who may not know. Where there is no token, asking for one would
// send people looking for it.
func (p *public) deny(w http.ResponseWriter) {
	if p.tokenless {
		writeText(w, http.StatusForbidden, "hidden")
		return
	}
	w.Header().Set("WWW-Authenticate", "Bearer")
	writeText(w, http.StatusUnauthorized, "unauthorized")
}

// writeText answers with the protocol's content type, which names no charset.
func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(status)
	io.WriteString(w, text)
}
