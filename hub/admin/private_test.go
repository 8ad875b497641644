package admin_test

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Every link of the first page leads to a page, and every one to a section to a section.
func TestLinksOfTheFirstPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	c := w.connect("/", digits("c"))
	w.raw(c, `{"type":"announce","networkName":"a b&c/d"}`)
	first := w.ask(w.private, "GET", "/")
	if ct := first.header.Get("Content-Type"); first.status != 200 || ct != "text/html; charset=utf-8" {
		t.Fatalf("got %d %s", first.status, ct)
	}
	links := regexp.MustCompile(`href="([^"]+)"`).FindAllStringSubmatch(first.body, -1)
	pages := map[string]bool{}
	for _, l := range links {
		target, section, _ := strings.Cut(html.UnescapeString(l[1]), "#")
		if section != "" && !strings.Contains(first.body, `id="`+section+`"`) {
			t.Errorf("there is no section %s", section)
		}
		if strings.HasPrefix(target, "/") {
			pages[target] = true
		}
	}
	for _, want := range []string{"/debug/state", "/debug/pprof/", "/metrics", "/livez", "/readyz", "/operator.css", "/peers/" + string(digits("c")), "/?follow=1"} {
		if !pages[want] {
			t.Errorf("there is no link to %s", want)
		}
	}
	for target := range pages {
		if got := w.ask(w.private, "GET", target); got.status != 200 || got.body == "" {
			t.Errorf("%s: got %d %.100q", target, got.status, got.body)
		}
	}
	if got := w.ask(w.private, "GET", "/nope"); got.status != 404 {
		t.Errorf("/nope: got %d, want 404", got.status)
	}
}

// The private handler is no second door into the hub.
func TestPrivateDoesNotUpgrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	got := w.ask(w.private, "GET", "/?peerId="+string(digits("a")), "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
	if got.status != 200 || w.hub.Stats().Accepted != 0 {
		t.Errorf("got %d, %d sessions accepted, want the index and none", got.status, w.hub.Stats().Accepted)
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	const gzipMagic = "\x1f\x8b"
	for _, target := range []string{"/debug/pprof/heap?gc=1", "/debug/pprof/goroutine", "/debug/pprof/allocs"} {
		if got := w.ask(w.private, "GET", target); got.status != 200 || !strings.HasPrefix(got.body, gzipMagic) {
			t.Errorf("%s: got %d %.20q, want a profile", target, got.status, got.body)
		}
	}
	for target, want := range map[string]string{
		"/debug/pprof/goroutine?debug=1": "goroutine profile: total ",
		"/debug/pprof/cmdline":           "admin.test",
		"/debug/pprof/symbol":            "num_symbols: 1",
	} {
		if got := w.ask(w.private, "GET", target); got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%s: got %d %.100q, want %q in it", target, got.status, got.body, want)
		}
	}
}

func TestStopEndsProfiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	began := time.Now()
	go w.stop()
	// The difference between two heaps, so that no other profile is in its way.
	if got := w.ask(w.private, "GET", "/debug/pprof/heap?seconds=30"); got.status == 200 {
		t.Errorf("got %d after %v, want an error at once", got.status, time.Since(began))
	}
	w.stop()
	w.want(w.ask(w.private, "GET", "/livez"), 200, "ok")
}

func TestState(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MaxConnections: 9}, admin.PublicConfig{})
	c := w.connect("/", wire.NewPeerID())
	w.raw(c, `{"type":"announce","networkName":"n"}`)
	got := w.ask(w.private, "GET", "/debug/state")
	if got.status != 200 || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %d %v", got.status, got.header)
	}
	var page struct {
		Invariants  string
		Collections map[string]struct{ Length, Bound int64 }
		Stats       hub.Stats
	}
	if err := json.Unmarshal([]byte(got.body), &page); err != nil {
		t.Fatalf("%s: %v", got.body, err)
	}
	if page.Invariants != "ok" || page.Stats.Accepted != 1 || page.Stats.Ended["peer_lost"] != 0 {
		t.Errorf("got %+v", page)
	}
	for _, name := range []string{"peers", "memberships", "networks", "largest_network_members"} {
		if s := page.Collections[name]; s.Length != 1 || s.Bound != 9 {
			t.Errorf("%s: got %d of %d, want 1 of 9", name, s.Length, s.Bound)
		}
	}
}
