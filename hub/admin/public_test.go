package admin_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

const banner = "PeerPigeon WebSocket Signaling Server"

// The reference compares the whole request target and no method but OPTIONS
// (protocol section 2).
func TestW45RouteIsTheWholeTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	const unknown = "not found"
	for target, want := range map[string]string{
		"/": banner, "/?x=1": banner, "//": unknown, "/nope": unknown, "/health/": unknown, "/health?x=1": unknown, "/health?": unknown,
		"/Health": unknown, "//health": unknown, "/%68ealth": unknown, "/hubs/": unknown, "/hubs?x": unknown, "/metrics": unknown,
		"/livez/": unknown, "/readyz?verbose": unknown, "/debug/pprof/": unknown, "/debug/state": unknown, "http://hub.test/health": unknown,
	} {
		status := http.StatusOK
		if want == unknown {
			status = http.StatusNotFound
		}
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "PURGE"} {
			got := w.ask(w.public, method, target)
			if got.status != status || got.body != want || !slices.Equal(got.header["Content-Type"], []string{"text/plain"}) ||
				!slices.Equal(got.header["Access-Control-Allow-Origin"], []string{"*"}) {
				t.Errorf("%s %s: got %d %v %q, want %d %q", method, target, got.status, got.header, got.body, status, want)
			}
		}
	}
	for target, contentType := range map[string]string{
		"/health": "application/json", "/hubs": "application/json", "/livez": "text/plain", "/readyz": "text/plain",
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			got := w.ask(w.public, method, target)
			if got.status != 200 || got.body == banner || !slices.Equal(got.header["Content-Type"], []string{contentType}) {
				t.Errorf("%s %s: got %d %v %q", method, target, got.status, got.header, got.body)
			}
			if cors := got.header["Access-Control-Allow-Origin"]; !slices.Equal(cors, []string{"*"}) {
				t.Errorf("%s %s: CORS %q, want *", method, target, cors)
			}
		}
	}
}

func TestHeadHasHeadersAndNoBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	for target, contentType := range map[string]string{"/health": "application/json", "/": "text/plain"} {
		got := w.ask(w.public, "HEAD", target)
		if got.status != 200 || got.body != "" || got.header.Get("Content-Type") != contentType {
			t.Errorf("HEAD %s: got %d %q %q, want 200, no body, %s", target, got.status, got.body, got.header.Get("Content-Type"), contentType)
		}
	}
}

func TestOptionsOnAnything(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{CORSOrigin: "https://app.example", Metrics: true})
	for _, target := range []string{"*", "/", "/health", "/hubs", "/nope?x", "/metrics"} {
		got := w.ask(w.public, http.MethodOptions, target)
		w.want(got, 200, "")
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin":  "https://app.example",
			"Access-Control-Allow-Methods": "GET, POST, OPTIONS",
			"Access-Control-Allow-Headers": "Content-Type, Authorization",
			"Content-Type":                 "",
		} {
			if v := got.header.Get(name); v != want {
				t.Errorf("OPTIONS %s: %s is %q, want %q", target, name, v, want)
			}
		}
	}
}

func TestConnectIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	if got := w.ask(w.public, http.MethodConnect, "example.com:443"); got.status != http.StatusMethodNotAllowed {
		t.Errorf("CONNECT: got %d %q, want 405", got.status, got.body)
	}
}

// W1: "//" kills the reference.
func TestUpgradeOnAnyPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{Metrics: true})
	for _, path := range []string{"", "/", "//", "///", "/health", "/hubs", "/livez", "/readyz", "/metrics", "/a/b%20c", "/health/?x=1"} {
		c := w.connect(path, wire.NewPeerID())
		c.Close()
	}
}

// A 101 has the headers that the reference sends: no CORS among them.
func TestUpgradeHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	conn, err := net.Dial("tcp", w.public)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "GET /health?peerId=%s HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", digits("a"))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Keys(resp.Header))
	if want := []string{"Connection", "Sec-Websocket-Accept", "Upgrade"}; resp.StatusCode != 101 || !slices.Equal(got, want) {
		t.Errorf("got %d with %v, want 101 with %v", resp.StatusCode, got, want)
	}
}

// W45, G16: a request without the token gets no details, only that the hub is healthy.
func TestW45HideDetails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{AuthToken: "sesame"}, admin.PublicConfig{HideDetails: true, Metrics: true})
	for _, wrong := range []string{"X: y", bearer("guess"), bearer("")} {
		if got := w.get("/health", wrong); got.status != 200 || !slices.Equal(w.keys(got.body), []string{"status", "timestamp"}) {
			t.Errorf("/health with %q: got %d %s", wrong, got.status, got.body)
		}
		for _, target := range []string{"/hubs", "/metrics"} {
			got := w.get(target, wrong)
			w.want(got, http.StatusUnauthorized, "unauthorized")
			if v := got.header.Get("WWW-Authenticate"); v != "Bearer" {
				t.Errorf("%s: WWW-Authenticate is %q, want Bearer", target, v)
			}
		}
	}
	for _, target := range []string{"/health", "/hubs", "/metrics"} {
		if got := w.get(target, bearer("sesame")); got.status != 200 || !strings.Contains(got.body, "hubs") {
			t.Errorf("%s with the token: got %d %.200s", target, got.status, got.body)
		}
	}
	w.want(w.get("/livez"), 200, "ok")
	w.want(w.get("/readyz"), 200, "ready")
	w.want(w.get("/nope"), 404, "not found")
}

// If the hub has no token, HideDetails hides the details from every request.
func TestHideDetailsWithoutToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{HideDetails: true, Metrics: true})
	if got := w.get("/health", bearer("any")); got.status != 200 || !slices.Equal(w.keys(got.body), []string{"status", "timestamp"}) {
		t.Errorf("/health: got %d %s", got.status, got.body)
	}
	w.want(w.get("/hubs", bearer("any")), http.StatusForbidden, "hidden")
	w.want(w.get("/metrics", bearer("any")), http.StatusForbidden, "hidden")
}

func TestPublicMetrics(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		token  string
		header string
		status int
	}{
		{"open_hub", "", "X: y", 200},
		{"token_not_shown", "sesame", "X: y", 401},
		{"token_shown", "sesame", bearer("sesame"), 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, hub.Config{AuthToken: tt.token}, admin.PublicConfig{Metrics: true})
			got := w.get("/metrics", tt.header)
			if got.status != tt.status || tt.status == 200 && !strings.Contains(got.body, "\npigeonhub_peers 0\n") {
				t.Errorf("got %d %.200s, want %d", got.status, got.body, tt.status)
			}
			if cors, ok := got.header["Access-Control-Allow-Origin"]; ok {
				t.Errorf("pages of %q may read the metrics", cors)
			}
			if got := w.get("/health"); !strings.Contains(got.body, "connections") {
				t.Errorf("/health hides details without HideDetails: %s", got.body)
			}
		})
	}
}

// A body that is not read must not hang the answer.
func TestBodyIsIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	conn, err := net.Dial("tcp", w.public)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(conn, "POST /health HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nonly this much")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("got %v, %v, want 200", resp, err)
	}
}
