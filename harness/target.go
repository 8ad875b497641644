package harness

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Target is a hub under test, in this process or elsewhere. Its methods may be called concurrently.
type Target interface {
	// URL returns the URL for peers.
	URL() string
	// Dial connects to the address in URL, which need not be a TCP address.
	Dial(ctx context.Context, network, addr string) (net.Conn, error)
	// Stop ends the hub and waits until it has ended. Further calls do nothing. For a hub that
	// the caller does not own it does nothing.
	Stop(ctx context.Context) error
}

// Inspector is a Target whose state can be read, usually because it is in this process.
type Inspector interface {
	Target
	detect.Inspected
}

// Remote is a hub of which only the URL is known.
type Remote struct {
	url    string
	dialer net.Dialer
}

// NewRemote returns the hub at a ws, wss, http or https URL.
func NewRemote(rawURL string) (*Remote, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("harness: target: %w", err)
	}
	switch u.Scheme {
	case "ws", "wss", "http", "https":
	default:
		return nil, fmt.Errorf("harness: target %q: the scheme must be ws, wss, http or https", rawURL)
	}
	return &Remote{url: rawURL}, nil
}

// URL implements Target.
func (r *Remote) URL() string { return r.url }

// Dial implements Target.
func (r *Remote) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return r.dialer.DialContext(ctx, network, addr)
}

// Stop implements Target. It does nothing.
func (r *Remote) Stop(context.Context) error { return nil }

// dial connects a peer to a target.
func dial(ctx context.Context, t Target, id wire.PeerID, token string) (*wire.Conn, error) {
	opts := &wire.DialOptions{NetDialContext: t.Dial, WriteTimeout: 10 * time.Second}
	if token != "" {
		opts.Header = http.Header{"Authorization": {"Bearer " + token}}
	}
	return wire.Dial(ctx, t.URL(), id, opts)
}
