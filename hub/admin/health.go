package admin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
)

// isoMillis is the form of JavaScript's Date.toISOString.
const isoMillis = "2006-01-02T15:04:05.000Z"

// healthAlways is the part of /health without details of the hub.
type healthAlways struct {
	Status    string `json:"status"` // always "healthy": see /readyz
	Timestamp string `json:"timestamp"`
}

// healthDetails is /health. The order of the fields is the protocol's.
type healthDetails struct {
	healthAlways
	Uptime      float64      `json:"uptime"` // seconds
	IsHub       bool         `json:"isHub"`
	Connections int          `json:"connections"` // registered ones only, as in the reference
	Peers       int          `json:"peers"`
	Hubs        int          `json:"hubs"`
	Networks    int          `json:"networks"`
	Memory      healthMemory `json:"memory"`
}

// healthMemory has the fields of a Node.js process, in bytes. Those that a Go process
// does not have are 0. Shipped tools read heapUsed.
type healthMemory struct {
	RSS          int64 `json:"rss"`
	HeapTotal    int64 `json:"heapTotal"`
	HeapUsed     int64 `json:"heapUsed"`
	External     int64 `json:"external"`
	ArrayBuffers int64 `json:"arrayBuffers"`
}

func (p *public) health(w http.ResponseWriter, r *http.Request) {
	always := healthAlways{"healthy", timestamp()}
	if !p.informed(r) {
		writeJSON(w, http.StatusOK, always)
		return
	}
	st := p.hub.Stats()
	writeJSON(w, http.StatusOK, healthDetails{
		healthAlways: always,
		Uptime:       time.Since(st.StartedAt).Seconds(),
		IsHub:        st.IsHub, Connections: st.Peers, Peers: st.Peers, Hubs: st.Hubs, Networks: st.Networks,
		Memory: healthMemory{RSS: st.Memory.RSS, HeapTotal: st.Memory.HeapSys, HeapUsed: st.Memory.HeapLive},
	})
}

// hubsList is /hubs.
type hubsList struct {
	Timestamp string        `json:"timestamp"`
	TotalHubs int           `json:"totalHubs"`
	Hubs      []hub.HubInfo `json:"hubs"`
}

func (p *public) hubs(w http.ResponseWriter, r *http.Request) {
	if !p.informed(r) {
		p.deny(w)
		return
	}
	list := p.hub.Hubs()
	slices.SortFunc(list, func(a, b hub.HubInfo) int {
		return cmp.Or(cmp.Compare(a.RegisteredAt, b.RegisteredAt), cmp.Compare(a.PeerID, b.PeerID))
	})
	writeJSON(w, http.StatusOK, hubsList{timestamp(), len(list), list})
}

func timestamp() string { return time.Now().UTC().Format(isoMillis) }

// writeJSON writes v as the reference does: without a charset, a final newline or
// escapes for HTML.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(bytes.TrimSuffix(body.Bytes(), []byte("\n")))
}
