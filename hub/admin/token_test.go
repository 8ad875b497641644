package admin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
)

// Only requests with the operator's token get the pages, whoever else may connect. Supervisors get
// an answer without it.
func TestRequireToken(t *testing.T) {
	t.Parallel()
	token := "sesame"
	pages := admin.RequireToken(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") }),
		func() string { return token })
	ask := func(target string, header http.Header) *http.Response {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.Header = header
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		return w.Result()
	}
	basic := func(password string) http.Header {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth("me", password)
		return r.Header
	}
	foreign := basic("sesame")
	foreign.Set("Sec-Fetch-Site", "cross-site")
	for _, tt := range []struct {
		name, target string
		header       http.Header
		with, none   int // with the token configured, and without
	}{
		{"nothing", "/metrics", http.Header{}, 401, 403},
		{"bearer", "/metrics", http.Header{"Authorization": {"Bearer sesame"}}, 200, 403},
		{"password", "/debug/pprof/", basic("sesame"), 200, 403},
		{"wrong", "/", http.Header{"Authorization": {"bearer guess"}}, 401, 403},
		{"wrong password", "/", basic("guess"), 401, 403},
		{"empty", "/", http.Header{"Authorization": {"Bearer "}}, 401, 403},
		{"other scheme", "/", http.Header{"Authorization": {"Digest sesame"}}, 401, 403},
		{"query", "/?token=sesame", http.Header{}, 401, 403},
		{"another page's", "/", foreign, 403, 403},
		{"supervisor", "/livez", http.Header{}, 200, 200},
		{"balancer", "/readyz", http.Header{}, 200, 200},
	} {
		token = "sesame"
		got := ask(tt.target, tt.header)
		if got.StatusCode != tt.with || (got.StatusCode == 401) != (len(got.Header["Www-Authenticate"]) == 2) {
			t.Errorf("%s: status %d and %v, want %d", tt.name, got.StatusCode, got.Header, tt.with)
		}
		token = ""
		if got := ask(tt.target, tt.header); got.StatusCode != tt.none {
			t.Errorf("%s: status %d without a token, want %d", tt.name, got.StatusCode, tt.none)
		}
	}
}

// The operator's token reads the metrics on the port for peers. The tokens of peers then do not.
func TestOperatorsTokenReadsMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{AuthToken: "peers"}, admin.PublicConfig{Metrics: true, MetricsToken: "operator"})
	for token, status := range map[string]int{"operator": 200, "peers": 401, "": 401} {
		if got := w.get("/metrics", bearer(token)); got.status != status {
			t.Errorf("token %q: status %d, want %d", token, got.status, status)
		}
	}
}
