package admin_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// console is the operator's pages behind a token, without a listener.
type console struct {
	*testing.T
	handler http.Handler
	open    http.Handler // without the token
	hub     *hub.Hub
	log     record
	drained int
}

func newConsole(t *testing.T) *console {
	t.Helper()
	c := &console{T: t}
	h, err := hub.New(hub.Config{Logger: slog.New(slog.NewTextHandler(&c.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	pages, stop := admin.Private(h, admin.PrivateConfig{Drain: func() { c.drained++ }, Restart: []string{"kill -USR2 7"}})
	t.Cleanup(stop)
	c.hub, c.open, c.handler = h, pages, admin.RequireToken(pages, func() string { return "sesame" })
	return c
}

// record is what a logger has written. Sessions that end may still write.
type record struct {
	mu   sync.Mutex
	text []byte
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = append(r.text, p...)
	return len(p), nil
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.text)
}

// post sends a form with the token as a browser does, after change.
func (c *console) post(target string, form url.Values, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:6060"+target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "http://127.0.0.1:6060")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.SetBasicAuth("ann", "sesame")
	handler := c.handler
	if change != nil {
		change(r)
	}
	if r.Header.Get("Without-Token") != "" {
		handler = c.open
	}
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, r)
	return rec
}

// key returns the key in the form of the first page.
func (c *console) key() string {
	c.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:6060/", nil)
	r.SetBasicAuth("ann", "sesame")
	rec := httptest.NewRecorder()
	c.handler.ServeHTTP(rec, r)
	m := regexp.MustCompile(`name="key" value="([^"]+)"`).FindStringSubmatch(rec.Body.String())
	if m == nil || !strings.Contains(rec.Body.String(), "kill -USR2 7") {
		c.Fatalf("no key in %s", rec.Body)
	}
	return m[1]
}

// An action needs the token, a POST from the same origin, and the key of the form. If one is
// missing, nothing happens, and the log has the address of the client.
func TestActionsAreProtected(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	key := c.key()
	for _, tt := range []struct {
		name   string
		key    string
		change func(*http.Request)
		status int
	}{
		{"another method", key, func(r *http.Request) { r.Method = http.MethodGet }, http.StatusMethodNotAllowed},
		{"without the token", key, func(r *http.Request) { r.Header.Del("Authorization") }, http.StatusUnauthorized},
		{"wrong token", key, func(r *http.Request) { r.SetBasicAuth("ann", "guess") }, http.StatusUnauthorized},
		{"pages that ask for no token", key, func(r *http.Request) { r.Header.Set("Without-Token", "1") }, http.StatusForbidden},
		{"no key", "", nil, http.StatusForbidden},
		{"wrong key", "AAAA", nil, http.StatusForbidden},
		{"another site", key, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		{"another port of this machine", key, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, http.StatusForbidden},
		{"an old browser of another origin", key, func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Origin", "http://127.0.0.1:8080")
		}, http.StatusForbidden},
		{"too long", key, func(r *http.Request) {
			r.Body = http.NoBody
			big := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("sure=yes&key="+key+"&x="+strings.Repeat("x", 9999)))
			r.Body = big.Body
		}, http.StatusBadRequest},
	} {
		for _, target := range []string{"/drain", "/disconnect"} {
			got := c.post(target, url.Values{"key": {tt.key}, "sure": {"yes"}, "peer": {string(digits("a"))}}, tt.change)
			if got.Code != tt.status {
				t.Errorf("%s, %s: status %d, want %d: %s", tt.name, target, got.Code, tt.status, got.Body)
			}
		}
	}
	if c.drained != 0 || strings.Contains(c.log.String(), "result=done") {
		t.Errorf("drained %d times:\n%s", c.drained, &c.log)
	}
	if n := strings.Count(c.log.String(), `level=WARN msg="operator action" action=drain result=refused address=192.0.2.1:1234 user=ann why=`); n != 6 {
		t.Errorf("%d refusals are in the log, want 6:\n%s", n, &c.log)
	}
	if strings.Contains(c.log.String(), "sesame") {
		t.Error("the token is in the log")
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	key := c.key()
	if got := c.post("/drain", url.Values{"key": {key}}, nil); got.Code != http.StatusBadRequest || c.drained != 0 {
		t.Errorf("not confirmed: status %d, drained %d times", got.Code, c.drained)
	}
	if got := c.post("/drain", url.Values{"key": {key}, "sure": {"yes"}}, nil); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/" || c.drained != 1 {
		t.Errorf("status %d to %q, drained %d times", got.Code, got.Header().Get("Location"), c.drained)
	}
	bearer := func(r *http.Request) {
		r.Header = http.Header{"Authorization": {"Bearer sesame"}, "Content-Type": r.Header["Content-Type"]}
	}
	if got := c.post("/drain", url.Values{"sure": {"yes"}}, bearer); got.Code != http.StatusSeeOther || c.drained != 2 {
		t.Errorf("with a bearer token: status %d, drained %d times", got.Code, c.drained)
	}
	if n := strings.Count(c.log.String(), "action=drain result=done"); n != 2 {
		t.Errorf("%d actions are in the log:\n%s", n, &c.log)
	}
}

// A program that cannot be drained shows no button for it.
func TestNoDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	pages := admin.RequireToken(w.handler, func() string { return "sesame" })
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/drain", strings.NewReader("sure=yes"))
	r.Header = http.Header{"Authorization": {"Bearer sesame"}, "Content-Type": {"application/x-www-form-urlencoded"}}
	rec := httptest.NewRecorder()
	pages.ServeHTTP(rec, r)
	if page := w.page("/"); rec.Code != http.StatusNotFound || strings.Contains(page.body, "/drain") {
		t.Errorf("status %d", rec.Code)
	}
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	srv := httptest.NewServer(c.hub)
	defer srv.Close()
	id := digits("a")
	peer, err := wire.Dial(t.Context(), "ws"+strings.TrimPrefix(srv.URL, "http"), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if _, err := peer.Receive(); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"key": {c.key()}, "peer": {string(id)}}
	for name, want := range map[string]int{string(digits("b")): http.StatusNotFound, "<b>": http.StatusBadRequest} {
		if got := c.post("/disconnect", url.Values{"key": form["key"], "peer": {name}}, nil); got.Code != want {
			t.Errorf("%s: status %d, want %d", name, got.Code, want)
		}
	}
	if got := c.post("/disconnect", form, nil); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/peers/"+string(id) {
		t.Errorf("status %d to %q: %s", got.Code, got.Header().Get("Location"), got.Body)
	}
	peer.SetReceiveDeadline(time.Now().Add(10 * time.Second))
	if m, err := peer.Receive(); err == nil || !strings.Contains(err.Error(), "operator") {
		t.Errorf("the peer gets %+v, %v", m, err)
	}
	if got := c.post("/disconnect", form, nil); got.Code != http.StatusNotFound {
		t.Errorf("a second time: status %d", got.Code)
	}
	page := httptest.NewRecorder()
	c.open.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/peers/"+string(id), nil))
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "operator") {
		t.Errorf("its page does not say why it is gone: %d %s", page.Code, page.Body)
	}
	if !strings.Contains(c.log.String(), "action=disconnect result=done address=192.0.2.1:1234 user=ann peer="+string(id)) {
		t.Errorf("the action is not in the log:\n%s", &c.log)
	}
}
