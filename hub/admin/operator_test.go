package admin_test

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// text returns the words of a page, without its tags.
func (a answer) text() string {
	words := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(a.body, " ")
	return strings.Join(strings.Fields(html.UnescapeString(words)), " ")
}

// page requests a page for people, which must have all the words.
func (w *world) page(target string, words ...string) answer {
	w.Helper()
	got := w.ask(w.private, "GET", target)
	if got.status != 200 {
		w.Errorf("%s answers %d", target, got.status)
	}
	for _, word := range words {
		if !strings.Contains(got.text(), word) {
			w.Errorf("%s does not say %q:\n%s", target, word, got.text())
		}
	}
	return got
}

// The first page says what an operator asks at night.
func TestOverview(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MaxConnections: 30, CloseTimeout: 50 * time.Millisecond, MessageBurst: 30, MessageRate: 1, AllowedOrigins: []string{"https://example.org"}}, admin.PublicConfig{})
	talker := w.connect("/", digits("a"))
	w.raw(talker, `{"type":"announce","networkName":"meadow"}`)
	for range 9 {
		w.raw(w.connect("/", wire.NewPeerID()), `{"type":"announce","networkName":"meadow"}`)
	}
	w.raw(w.connect("/", wire.NewPeerID()), `{"type":"announce","networkName":"barn"}`)
	w.ask(w.public, "GET", "/?peerId="+string(digits("b")), "Upgrade: websocket", "Connection: Upgrade", "Origin: https://evil.example",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
	cut := w.connect("/", digits("c"))
	for range 40 {
		cut.SendRaw([]byte(`{"type":"cleanup"}`))
	}
	w.settle(func() string {
		if n := w.hub.Stats().Ended["message_rate"]; n != 1 {
			return fmt.Sprintf("%d peers were cut", n)
		}
		return ""
	})
	got := w.page("/", "Serving", "Connections 11 of 30; 11 in a network", "refused origin 1", "cut message_rate 1",
		"“allowed-origins”", "127.0.0.1 2", "About 19 more peers fit. The bound is connections.", "meadow 10", "barn 1", "The largest 2 of 2",
		"Nothing is suspected.", "of live heap, few connections", "Nothing waits for any peer.", "No hub is linked.")
	for _, id := range []wire.PeerID{digits("a"), digits("b"), digits("c")} {
		if !strings.Contains(got.body, `href="/peers/`+string(id)+`"`) {
			t.Errorf("there is no link to %s", id)
		}
	}
	if strings.Contains(got.body, "<form class") || !strings.Contains(got.body, "Content-Security") && got.header.Get("Content-Security-Policy") == "" {
		t.Error("there is a button without a token, or no policy of what the page may load")
	}
	w.page("/peers/"+string(digits("a")), "Connected for", "Address 127.0.0.1", "Network meadow", "Role peer", "2 messages", "set admin-token", "None of the last 32")
	w.page("/peers/"+string(digits("c")), "This peer is not connected.", "ago: cut , message_rate: more messages than “message-rate” allows.")
	w.page("/peers/"+string(digits("b")), "ago: refused , origin: the page")
	if got := w.ask(w.private, "GET", "/peers/"+string(digits("d"))); got.status != 404 || !strings.Contains(got.text(), "Older ones are in the log.") {
		t.Errorf("an unknown peer: %d %s", got.status, got.text())
	}
	if got := w.ask(w.private, "GET", "/peers/x"); got.status != 404 {
		t.Errorf("what is no id: %d", got.status)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	for i := range 25 {
		w.raw(w.connect("/", wire.PeerID(fmt.Sprintf("%02d%s", i, digits("a")[2:]))), `{"type":"announce","networkName":"meadow"}`)
	}
	for target, words := range map[string][]string{
		"/peers":             {"Type a peer id"},
		"/peers?q=meadow":    {"20 of 25, by bytes"},
		"/peers?q=07":        {"1 of 1, by bytes"},
		"/peers?q=127.0.0.1": {"20 of 25"},
		"/peers?q=mead":      {"No peer of this id, address or network is connected.", "None of the last 32"},
	} {
		w.page(target, words...)
	}
	if got := w.ask(w.private, "GET", "/peers?q="+string(digits("e"))); got.status != 303 || got.header.Get("Location") != "/peers/"+string(digits("e")) {
		t.Errorf("a whole id: %d %v", got.status, got.header)
	}
}

// A page that follows loads itself again. All that it keeps of its address is what it knows.
func TestFollow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	if got := w.page("/?sort=messages&x=y"); strings.Contains(got.body, "http-equiv") || !strings.Contains(got.body, `href="/?follow=1&amp;sort=messages"`) {
		t.Errorf("it follows unasked, or has no link:\n%.900s", got.body)
	}
	if got := w.page("/?sort=messages&follow=1"); !strings.Contains(got.body, `http-equiv="refresh" content="10"`) || !strings.Contains(got.body, `href="/?sort=messages"`) {
		t.Errorf("it does not follow, or cannot be stopped:\n%.900s", got.body)
	}
}

// What peers send cannot become part of a page, nor make it large.
func TestPagesWithHostileTexts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	texts := []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "\u202egnp.exe", "a\u0000b\nc", `{{.}}`, strings.Repeat("\U0001F54A", 64), strings.Repeat("'", 256)}
	for i := range 60 {
		name := texts[i%len(texts)]
		if i >= len(texts) { // distinct ones, as long as a name may be
			name = fmt.Sprintf("%d%s", i, strings.Repeat("<", 250))
		}
		w.raw(w.connect("/", wire.NewPeerID()), fmt.Sprintf(`{"type":"announce","networkName":%q}`, escapeJSON(name)))
	}
	for i := range 60 {
		w.ask(w.public, "GET", fmt.Sprintf("/?peerId=%d%%22%%3E%%3Cscript%%3E%s", i, strings.Repeat("%3C", 2000)), "Upgrade: websocket", "Connection: Upgrade",
			"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
	}
	w.settle(func() string {
		if n := w.hub.Stats().Ended["invalid_peer_id"]; n != 60 {
			return fmt.Sprintf("%d were refused", n)
		}
		return ""
	})
	targets := []string{"/", "/?sort=%3Cscript%3E" + strings.Repeat("%3C", 1000), "/peers?q=127.0.0.1", "/peers?q=" + strings.Repeat("%22%3E%3Cscript%3E", 300)}
	for _, target := range targets {
		got := w.page(target)
		for _, bad := range []string{"<script", "<img", "\u202e", "\x00", "onerror=alert(1)>"} {
			if strings.Contains(got.body, bad) {
				t.Errorf("%.20s has %q", target, bad)
			}
		}
		if len(got.body) > 128<<10 {
			t.Errorf("%.20s has %d bytes", target, len(got.body))
		}
	}
}

// escapeJSON replaces the characters that %q escapes in a way that JSON does not have.
func escapeJSON(s string) string {
	return strings.NewReplacer("\x00", "", "\U0001F54A", "€").Replace(s)
}
