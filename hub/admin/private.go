package admin

import (
	"context"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigeonhub/pigeonhub/hub"
)

// PrivateConfig configures Private. The zero value is valid.
type PrivateConfig struct {
	Collectors []prometheus.Collector // further metrics, those of the program around the hub

	// Drain begins to end the program as a signal to terminate does, and returns. It may be called
	// more than once. If it is nil, the page has no button for it.
	Drain func()

	Restart []string // commands that restart the program without refusing a connection, for the page
}

// Private returns the handler of the operator's listener. It asks for no token, so the
// listener belongs on loopback or behind RequireToken. On loopback it accepts requests for
// localhost and addresses only. It starts no goroutine. Its pages disconnect peers and drain the
// hub only behind RequireToken, and log that.
//
// stop ends profiles. http.Server.Shutdown does not do this. stop may be called before or after
// the listener is closed, and more than once.
func Private(h *hub.Hub, cfg PrivateConfig) (handler http.Handler, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	mux := http.NewServeMux()
	newOperator(h, cfg).register(mux)
	mux.HandleFunc("/livez", func(w http.ResponseWriter, _ *http.Request) { live(w) })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) { ready(w, h.Stats()) })
	mux.Handle("/metrics", metricsHandler(h, cfg.Collectors))
	mux.Handle("/debug/state", state{h.Stats, h.CheckInvariants})
	mux.Handle("/debug/pprof/", until(ctx, profileMux()))
	return guard(mux), cancel
}

// profileMux serves net/http/pprof from a mux that is not http.DefaultServeMux.
func profileMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index) // the named profiles, too
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// until cancels the requests to next when ctx ends, so that a profile of 30 seconds does
// not delay the end of the process.
func until(ctx context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		both, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		next.ServeHTTP(w, r.WithContext(both))
	})
}
