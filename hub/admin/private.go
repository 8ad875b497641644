package admin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigeonhub/pigeonhub/hub"
)

// Private returns the handler of the operator's listener. It asks for no token, so the
// listener belongs on loopback or behind RequireToken. On loopback it accepts requests for
// localhost and addresses only. It starts no goroutine until a page needs one. The page /metrics has those of
// more, too.
//
// stop ends profiles and live plots, and returns when nothing of them is left: at once
// if no page shows plots, else within about a second. http.Server.Shutdown does not do
// this. stop may be called before or after the listener is closed, and more than once.
func Private(h *hub.Hub, more ...prometheus.Collector) (handler http.Handler, stop func(), err error) {
	plots, err := newPlots(h.Stats)
	if err != nil {
		return nil, nil, fmt.Errorf("admin: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", index)
	mux.HandleFunc("/livez", func(w http.ResponseWriter, _ *http.Request) { live(w) })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) { ready(w, h.Stats()) })
	mux.Handle("/metrics", metricsHandler(h, more))
	mux.Handle("/debug/state", state{h.Stats, h.CheckInvariants})
	plots.register(mux)
	mux.Handle("/debug/pprof/", until(ctx, profileMux()))
	return guard(mux), func() {
		cancel()
		plots.stop()
	}, nil
}

// pages is the list on the index page.
var pages = []struct{ path, what string }{
	{"/debug/state", "every collection with its length and bound; whether the invariants hold"},
	{"/debug/statsviz/", "live plots of the hub and of the Go runtime"},
	{"/debug/pprof/", "profiles: heap (?gc=1 collects first), goroutine, CPU, trace"},
	{"/metrics", "Prometheus"},
	{"/livez", "200 while the process serves"},
	{"/readyz", "200, or 503 with the reason why no new peers should be sent here"},
}

func index(w http.ResponseWriter, _ *http.Request) {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<title>PigeonHub</title>\n<h1>PigeonHub</h1>\n<ul>\n")
	for _, p := range pages {
		fmt.Fprintf(&b, "<li><a href=%q>%s</a>: %s</li>\n", p.path, p.path, p.what)
	}
	b.WriteString("</ul>\n")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, b.String())
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
