package agents

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
)

// linkPair returns both ends of a link over a server, with what may go wrong between.
func linkPair(t *testing.T) (a, b *link, nc *nats.Conn) {
	t.Helper()
	s, err := EmbeddedNATS{Listen: "127.0.0.1:0"}.Start("")
	if err != nil {
		t.Fatal(err)
	}
	nc, err = nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	a, err = newLink(nc, "up", "down", "b", func() {})
	if err == nil {
		b, err = newLink(nc, "down", "up", "a", func() {})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Close(0)
		b.Close(0)
		nc.Close()
		s.Shutdown()
		s.WaitForShutdown()
	})
	return a, b, nc
}

// Parcels of any size arrive whole and in order.
func TestNATSLink(t *testing.T) {
	t.Parallel()
	a, b, _ := linkPair(t)
	a.begin()
	b.begin()
	sizes := []int{0, 1, maxPiece - 100, maxPiece, 5 * maxPiece}
	for _, n := range sizes {
		if err := a.Send(cluster.Parcel{Done: &cluster.Outcome{Error: strings.Repeat("x", n)}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range sizes {
		p, err := b.Receive()
		if err != nil || p.Done == nil || len(p.Done.Error) != n {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	a.Close(0)
	if _, err := b.Receive(); err == nil {
		t.Error("a link whose other end is closed is open")
	}
}

// A message that is lost, or of another protocol, ends the link.
func TestNATSLinkLosesNothing(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(a *link, nc *nats.Conn) error{
		"lost":           func(a *link, _ *nats.Conn) error { a.sent++; return nil },
		"twice":          func(a *link, _ *nats.Conn) error { a.sent--; return nil },
		"another client": func(_ *link, nc *nats.Conn) error { return nc.Publish("down", []byte("hello")) },
		"no longer here": func(a *link, nc *nats.Conn) error { return nc.Publish("down", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, nc := linkPair(t)
			if err := errors.Join(a.Send(cluster.Parcel{Stop: true}), disturb(a, nc), a.Send(cluster.Parcel{Stop: true})); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Receive(); err != nil {
				t.Fatal(err)
			}
			if p, err := b.Receive(); err == nil {
				t.Errorf("received %+v", p)
			}
		})
	}
}

// Recruit reports that the server refused the token.
func TestWrongToken(t *testing.T) {
	t.Parallel()
	s, err := EmbeddedNATS{Listen: "127.0.0.1:0"}.Start("secret")
	if err != nil {
		t.Fatal(err)
	}
	defer s.WaitForShutdown()
	defer s.Shutdown()
	_, err = Agents{NATS: NATS{URL: "nats://guess@" + s.Addr().String()}}.Recruit(t.Context(), 1, slog.New(slog.DiscardHandler))
	if !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("got %v, want %v", err, nats.ErrAuthorization)
	}
}
