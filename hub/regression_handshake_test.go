package hub_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// The answer to a handshake has the reference's headers and no others: the first
// subprotocol offered, no extension.
func TestHandshakeAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	for offered, answered := range map[string]string{
		"": "", "Sec-WebSocket-Protocol: first, second\r\n": "Sec-Websocket-Protocol: first\r\n",
		"Sec-WebSocket-Extensions: permessage-deflate\r\nOrigin: http://elsewhere\r\n": "",
	} {
		c := w.rawDial()
		c.say([]byte(strings.Replace(rawUpgrade(rawTarget(wire.NewPeerID()), "hub"), "Upgrade:", offered+"Upgrade:", 1)))
		var got strings.Builder
		for lines := bufio.NewReader(c); !strings.HasSuffix(got.String(), "\r\n\r\n"); {
			c.SetReadDeadline(time.Now().Add(10 * time.Second))
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			got.WriteString(line)
		}
		want := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" + answered + "\r\n"
		if !strings.EqualFold(got.String(), want) {
			t.Errorf("offered %q, answered\n%s, want\n%s", offered, got.String(), want)
		}
		c.Close()
	}
}

// G18: PeerPigeon-Go upgrades on two paths only and answers a bad id with 403.
// In the protocol any path will do, and the query is read as browsers write it.
func TestG18AnyPathAndQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	a := string(digits("a"))
	for _, target := range []string{
		"/?peerId=%s", "/ws?peerId=%s", "/health?peerId=%s", "/a/b%%20c/?x=1&peerId=%s&y", "//?peerId=%s", "//evil?peerId=%s",
		"/?peerId=%s&peerId=" + string(digits("b")), "/?peerId=&peerId=%[1]s&peerId=%[1]s", "/?peerId=%%61" + a[1:] + "&x=%s", "/?x=%%zz&peerId=%s",
	} {
		t.Run(target, func(t *testing.T) {
			c := w.in(t).rawDial()
			defer c.Close()
			c.say([]byte(rawUpgrade(fmt.Sprintf(target, a), "hub")))
			if status := c.status(); status != http.StatusSwitchingProtocols {
				t.Fatalf("status %d, want 101", status)
			}
			if strings.HasPrefix(target, "/?peerId=&") { // the first counts, and it is empty
				c.wantClose(1008, "Invalid peerId format")
				return
			}
			_, payload, err := c.frame()
			if want := `{"type":"connected","data":{"peerId":"` + a + `"}`; err != nil || !strings.HasPrefix(string(payload), want) {
				t.Errorf("greeted with %q, %v, want %s", payload, err, want)
			}
			c.say(hostile.CloseFrame(1000, ""))
			c.wantClose(1000, "")
			w.in(t).wantStats(0, 0, 0, 0)
		})
	}
}

// Refusals come after the upgrade, with the exact texts, and in the protocol's
// order: bad id, duplicate, full.
func TestRefusalsAndTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MaxConnections: 2, ProbeTimeout: time.Minute, DrainWindow: -1})
	a, b := w.joinAs("a", digits("a"), "n"), w.joinAs("b", digits("b"), "n")
	a.fence()
	refused := func(id wire.PeerID, reason string) {
		t.Helper()
		p, err := w.at("/").dial("refused", id)
		if err != nil {
			t.Fatal(err)
		}
		p.wantClose(1008, reason)
	}
	for _, bad := range []wire.PeerID{" ", "zz", digits("a")[1:], digits("a") + "a", digits("g"), wire.PeerID(strings.Repeat(" ", 40)), "\x00\n"} {
		refused(bad, "Invalid peerId format")
	}
	if got := a.attend(func() { refused(a.ID(), "Peer already connected") }); len(got) > 0 {
		t.Errorf("the holder of a wanted id got %+v, want nothing", got)
	}
	refused(digits("c"), "Maximum connections reached")
	refused(wire.PeerID(strings.ToUpper(string(a.ID()))), "Maximum connections reached") // another peer
	b.wantNothing()
	w.wantStats(2, 2, 1, 0)
	b.SendClose(1000, "") // when one has left the next is let in
	b.wantClose(1000, "")
	w.wantSessions(1)
	w.joinAs("next", digits("c"), "n")
	w.wantCount("capacity", ended(wire.ReasonCapacity), 2)
}

// W46: the reference refuses for capacity after a full upgrade, with a policy
// code. HTTP's own way of saying it is for the operator to choose.
func TestW46CapacityStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MaxConnections: 1, CapacityStatus: true, RetryAfter: 7 * time.Second})
	w.connect("first", "")
	resp := w.wantStatus("", nil, http.StatusServiceUnavailable)
	if got := resp.Header.Get("Retry-After"); got != "7" {
		t.Errorf("Retry-After is %q, want 7", got)
	}
	w.wantCount("refused", refusedFor(hub.RefuseCapacity), 1)
}

// wantStatus sends a handshake and asserts the HTTP status.
func (w *world) wantStatus(query string, header http.Header, status int) *http.Response {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, strings.Replace(w.url, "ws:", "http:", 1)+rawTarget(wire.NewPeerID())+query, nil)
	if err != nil {
		w.Fatal(err)
	}
	req.Header = http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Version": {"13"}}
	for k, v := range header {
		req.Header[k] = v
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != status {
		w.Errorf("%s %v: status %d, want %d", query, header, resp.StatusCode, status)
	}
	return resp
}

// G16, W40: the reference requires no token. PeerPigeon-Go compares its token byte by byte, so that
// the time reveals how many bytes match.
func TestG16W40AuthToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{AuthToken: "let me in", HubKey: "I am a hub"})
	bearer := func(s string) http.Header { return http.Header{"Authorization": {s}} }
	for _, wrong := range []string{"", "let me i", "let me in!", "LET ME IN", "\x00"} {
		w.wantStatus("", bearer("Bearer "+strings.Trim(wrong, "\x00")), http.StatusUnauthorized)
	}
	w.wantStatus("&token=let", nil, http.StatusUnauthorized)
	w.wantStatus("&token=", nil, http.StatusUnauthorized)
	w.wantStatus("", bearer("Basic let me in"), http.StatusUnauthorized)
	w.wantStatus("&token=let+me+in", bearer("Bearer wrong"), http.StatusUnauthorized) // the header counts
	if got := w.wantStatus("", nil, http.StatusUnauthorized).Header.Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("WWW-Authenticate is %q, want Bearer", got)
	}
	w.wantCount("refused", refusedFor(hub.RefuseUnauthorized), 10)
	w.connectWith(bearer("Bearer let me in"))
	w.connectWith(bearer("Bearer I am a hub"))
	w.at("/?token=let+me+in").connect("by query", "")
	w.wantStats(3, 0, 0, 0)
}

// G17, W40: any page may connect to either server.
func TestG17W40AllowedOrigins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{AllowedOrigins: []string{"https://Good.example"}})
	for _, wrong := range []string{"https://evil.example", "http://good.example", "https://good.example.evil.example", "null", "https://good.example:8443"} {
		w.wantStatus("", http.Header{"Origin": {wrong}}, http.StatusForbidden)
	}
	w.wantCount("refused", refusedFor(hub.RefuseOrigin), 5)
	w.connectWith(http.Header{"Origin": {"https://good.example"}})
	w.connect("no browser", "")

	newWorld(t, hub.Config{AllowedOrigins: []string{"https://a", "*"}}).connectWith(http.Header{"Origin": {"https://evil.example"}})
}

// A request that is no WebSocket handshake gets an HTTP error, and is counted.
func TestNoHandshake(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	w.wantStatus("", http.Header{"Upgrade": {"h2c"}}, http.StatusUpgradeRequired)
	w.wantStatus("", http.Header{"Sec-Websocket-Version": {"8"}}, http.StatusBadRequest)
	w.wantStatus("", http.Header{"Sec-Websocket-Key": {"short"}}, http.StatusBadRequest)
	w.wantCount("refused", refusedFor(hub.RefuseHandshake), 2)
	if st := w.hub.Stats(); st.Sessions != 0 || st.Accepted != 0 {
		t.Errorf("sessions %d, accepted %d, want none", st.Sessions, st.Accepted)
	}
}
