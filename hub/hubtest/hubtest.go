// Package hubtest runs a hub as a harness.Target in the calling process, as
// net/http/httptest does for handlers.
//
//	target, err := hubtest.Start(hub.Config{})
//	if err != nil {
//		t.Fatal(err)
//	}
//	defer target.Stop(ctx)
//
// hubtest.go serves the hub; trace.go connects it to a detect.Watch.
package hubtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
)

// Target is a hub that serves on a listener of its own.
type Target struct {
	Hub *hub.Hub

	accepted *detect.Accepted // nil if served over pipes

	server *http.Server
	serve  sync.WaitGroup
	url    string
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	stop   sync.Once
	err    error
}

var _ harness.Inspector = (*Target)(nil)

// Start serves a hub over loopback TCP.
func Start(cfg hub.Config) (*Target, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("hubtest: %w", err)
	}
	accepted := detect.WatchAccepted(ln)
	t, err := serve(cfg, accepted, new(net.Dialer).DialContext)
	if err != nil {
		return nil, err
	}
	t.accepted = accepted
	return t, nil
}

// StartPipes serves a hub over in-memory pipes. It may be called in a testing/synctest
// bubble.
func StartPipes(cfg hub.Config) (*Target, error) {
	ln := harness.ListenPipes()
	return serve(cfg, ln, ln.DialContext)
}

func serve(cfg hub.Config, ln net.Listener, dial func(context.Context, string, string) (net.Conn, error)) (*Target, error) {
	h, err := hub.New(cfg)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("hubtest: %w", err), ln.Close())
	}
	t := &Target{Hub: h, url: "ws://" + ln.Addr().String(), dial: dial}
	t.server = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ConnContext: bufferLittle}
	t.serve.Go(func() { t.server.Serve(ln) }) // returns ErrServerClosed: Stop closes it
	h.Listening(ln.Addr())
	return t, nil
}

// writeBuffer is the send buffer of each connection in bytes; the kernel doubles it. By
// default it grows to 4 MiB on loopback, and a test would have to send all of that
// before the hub notices a peer that does not read.
const writeBuffer = 64 << 10

func bufferLittle(ctx context.Context, c net.Conn) context.Context {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetWriteBuffer(writeBuffer) // an error means that the connection is closed, which its reader notices
	}
	return ctx
}

// URL implements harness.Target.
func (t *Target) URL() string { return t.url }

// Dial implements harness.Target.
func (t *Target) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return t.dial(ctx, network, addr)
}

// Accepted returns the accepted connections for harness.Campaign, nil if served over
// pipes.
func (t *Target) Accepted() *detect.Accepted { return t.accepted }

// Stop shuts the hub down and waits for it and its server. Further calls return
// the result of the first.
func (t *Target) Stop(ctx context.Context) error {
	t.stop.Do(func() {
		t.err = errors.Join(t.Hub.Shutdown(ctx), t.server.Close())
		t.serve.Wait()
	})
	return t.err
}

// Gauges implements harness.Inspector: the lengths of the hub's collections and its
// counts, by the name of their field.
func (t *Target) Gauges() (map[string]float64, error) {
	st := t.Hub.Stats()
	return map[string]float64{
		"hub.Hub.sessions": float64(st.Sessions), "hub.Hub.admitted": float64(st.Admitted), "hub.Hub.refused": float64(st.Refused),
		"hub.Hub.probing": float64(st.Probing), "hub.Hub.peers": float64(st.Peers), "hub.Hub.memberships": float64(st.Announced),
		"hub.Hub.networks": float64(st.Networks), "hub.Hub.hubs": float64(st.Hubs), "hub.Hub.subscriptions": float64(st.Subscriptions),
		"hub.Hub.queued": float64(st.QueuedBytes), "hub.Hub.reading": float64(st.ReadingBytes), "hub.Hub.announced": float64(st.AnnouncedBytes),
		"hub.Hub.gate": float64(st.Goroutines + st.Parked),
	}, nil
}

// GaugeClass implements detect.Classifier.
func (t *Target) GaugeClass(gauge string) verdict.Class {
	if gauge == "hub.Hub.subscriptions" {
		return verdict.Subscription
	}
	return verdict.Gauge
}

// Check implements harness.Inspector.
func (t *Target) Check() error { return t.Hub.CheckInvariants() }

// Roots implements harness.Inspector.
func (t *Target) Roots() map[string]any { return map[string]any{"hub.Hub": t.Hub} }
