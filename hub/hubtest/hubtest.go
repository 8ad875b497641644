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
	"sync"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/serve"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
)

// Target is a hub that serves on a listener of its own.
type Target struct {
	*serve.Server
	Hub *hub.Hub

	stop sync.Once
	err  error
}

var _ harness.Inspector = (*Target)(nil)

// Start serves a hub over loopback TCP.
func Start(cfg hub.Config) (*Target, error) {
	h, err := hub.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("hubtest: %w", err)
	}
	server, err := serve.TCP(h)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("hubtest: %w", err), h.Shutdown(context.Background()))
	}
	return newTarget(h, server), nil
}

// StartPipes serves a hub over in-memory pipes. It may be called in a testing/synctest
// bubble.
func StartPipes(cfg hub.Config) (*Target, error) {
	h, err := hub.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("hubtest: %w", err)
	}
	return newTarget(h, serve.Pipes(h)), nil
}

func newTarget(h *hub.Hub, s *serve.Server) *Target {
	h.Listening(s.Addr())
	return &Target{Server: s, Hub: h}
}

// Stop shuts the hub down and waits for it and its server. Further calls return
// the result of the first.
func (t *Target) Stop(ctx context.Context) error {
	t.stop.Do(func() { t.err = errors.Join(t.Hub.Shutdown(ctx), t.Server.Stop(ctx)) })
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
