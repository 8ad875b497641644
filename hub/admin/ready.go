package admin

import (
	"net/http"

	"github.com/pigeonhub/pigeonhub/hub"
)

// live answers /livez: the process serves.
func live(w http.ResponseWriter) { writeText(w, http.StatusOK, "ok") }

// ready answers /readyz.
func ready(w http.ResponseWriter, st hub.Stats) {
	if reason := unready(st); reason != "" {
		writeText(w, http.StatusServiceUnavailable, reason)
		return
	}
	writeText(w, http.StatusOK, "ready")
}

// unready returns why a hub accepts no new peers, or "" if it does.
func unready(st hub.Stats) string {
	switch {
	case st.Draining:
		return "draining"
	case st.Memory.Level == hub.MemoryRefusing:
		return "memory"
	case st.Admitted >= st.MaxConnections:
		return "full"
	}
	return ""
}
