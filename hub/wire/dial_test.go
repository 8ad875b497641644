package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func TestDialURL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ scheme, rest, path, query string }{
		{"http", "", "/", ""},
		{"ws", "/", "/", ""},
		{"http", "/any/path", "/any/path", ""},
		{"ws", "?token=x%20y&z", "/", "token=x+y&z="},
		{"ws", "/hub?b=2&a=1&b=3", "/hub", "a=1&b=2&b=3"},
		{"ws", "/?peerId=somebody&peerId=else&a=1", "/", "a=1"},
	} {
		asked := make(chan *http.Request, 1)
		url := serve(t, func(_ *websocket.Conn, r *http.Request) { asked <- r })
		c := dial(t, tc.scheme+strings.TrimPrefix(url, "http")+tc.rest, &wire.DialOptions{Header: http.Header{"Origin": {"https://example.org"}}})
		if c.ID() != alice {
			t.Errorf("ID() = %q, want %q", c.ID(), alice)
		}
		r := <-asked
		query := r.URL.Query()
		if ids := query["peerId"]; len(ids) != 1 || ids[0] != string(alice) {
			t.Errorf("%s: the hub is asked for peerId %q, want %q", tc.rest, ids, alice)
		}
		query.Del("peerId")
		if r.URL.Path != tc.path || query.Encode() != tc.query {
			t.Errorf("%s: the hub is asked for %s ? %s, want %s ? %s", tc.rest, r.URL.Path, query.Encode(), tc.path, tc.query)
		}
		if origin := r.Header.Get("Origin"); origin != "https://example.org" {
			t.Errorf("the request's Origin is %q", origin)
		}
	}
}

// https means TLS, to port 443.
func TestDialTLS(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"https", "wss"} {
		client, server := net.Pipe()
		first := make(chan byte, 1)
		go func() {
			b := make([]byte, 1)
			server.Read(b)
			server.Close()
			first <- b[0]
		}()
		opts := &wire.DialOptions{NetDialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
			if network != "tcp" || addr != "hub.example.org:443" {
				t.Errorf("%s dials %s %s", scheme, network, addr)
			}
			return client, nil
		}}
		if _, err := wire.Dial(t.Context(), scheme+"://hub.example.org", alice, opts); err == nil {
			t.Errorf("%s: a server that hangs up was dialled", scheme)
		}
		if b := <-first; b != 0x16 { // a TLS handshake record
			t.Errorf("%s begins with the byte %#x, want a TLS handshake", scheme, b)
		}
	}
}

func TestDialFails(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	opts := &wire.DialOptions{NetDialContext: func(context.Context, string, string) (net.Conn, error) { return nil, refused }}
	for _, url := range []string{"ws://hub.example.org", "http://hub.example.org/x"} {
		if _, err := wire.Dial(t.Context(), url, alice, opts); !errors.Is(err, refused) || !strings.HasPrefix(err.Error(), "wire: dial: ") {
			t.Errorf("Dial(%s): %v, want wire: dial: %v", url, err, refused)
		}
	}
	for _, url := range []string{"", "hub", "ftp://hub.example.org", "ws://user:secret@hub.example.org", "http://[", ":"} {
		if c, err := wire.Dial(t.Context(), url, alice, opts); err == nil || c != nil || errors.Is(err, refused) || !strings.HasPrefix(err.Error(), "wire: dial: ") {
			t.Errorf("Dial(%q): %v, want an error about the URL", url, err)
		}
	}
}

// A server that answers with anything but an upgrade is named by its status.
func TestDialRefusedByHTTP(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusFound, http.StatusForbidden, http.StatusServiceUnavailable} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/")
			w.WriteHeader(status)
		}))
		_, err := wire.Dial(t.Context(), srv.URL, alice, nil)
		if !errors.Is(err, websocket.ErrBadHandshake) || !strings.Contains(err.Error(), fmt.Sprint("HTTP status ", status)) {
			t.Errorf("refused with %d: %v", status, err)
		}
		srv.Close()
	}
}

// silent is a listener's side that takes a connection and says nothing.
func silent(t *testing.T) (opts *wire.DialOptions, reached chan struct{}, closed chan error) {
	client, server := net.Pipe()
	t.Cleanup(func() { server.Close() })
	reached, closed = make(chan struct{}), make(chan error, 1)
	opts = &wire.DialOptions{NetDialContext: func(context.Context, string, string) (net.Conn, error) {
		go func() {
			b := make([]byte, 4096)
			server.Read(b) // the request
			close(reached)
			_, err := server.Read(b)
			closed <- err
		}()
		return client, nil
	}}
	return opts, reached, closed
}

// The end of the context ends a handshake that the hub does not answer.
func TestDialContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	opts, reached, closed := silent(t)
	go func() { <-reached; cancel() }()
	if c, err := wire.Dial(ctx, "ws://pipe", alice, opts); !errors.Is(err, context.Canceled) || c != nil {
		t.Errorf("cancelled in the handshake: %v, want %v", err, context.Canceled)
	}
	if err := <-closed; !errors.Is(err, io.EOF) {
		t.Errorf("the hub's side ended with %v, want EOF", err)
	}

	if _, err := wire.Dial(ctx, "ws://127.0.0.1:1", alice, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v, want %v", err, context.Canceled)
	}

	ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	opts, _, closed = silent(t)
	var timeout net.Error
	if _, err := wire.Dial(ctx, "ws://pipe", alice, opts); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("out of time: %v, want a timeout", err)
	}
	<-closed
}

// The context of Dial has no power over the connection it made.
func TestDialContextEndsLater(t *testing.T) {
	t.Parallel()
	handle, heard := hear()
	ctx, cancel := context.WithCancel(t.Context())
	c, err := wire.Dial(ctx, serve(t, handle), alice, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cancel()
	if err := c.SendRaw([]byte("still here")); err != nil {
		t.Error(err)
	}
	if got := <-heard; got != "1 still here" {
		t.Errorf("the hub hears %q", got)
	}
}
