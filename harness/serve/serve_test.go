package serve_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/serve"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// lines is a hub whose protocol is lines of text over a hijacked connection. It answers each with
// the same line.
type lines struct {
	keeps bool // what a member says

	open sync.WaitGroup
	mu   sync.Mutex
	said map[net.Conn][]string
}

func (h *lines) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	conn, both, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	h.open.Go(func() {
		defer conn.Close()
		for {
			line, err := both.ReadString('\n')
			h.mu.Lock()
			switch {
			case err != nil:
				delete(h.said, conn)
			case h.keeps:
				h.said[conn] = append(h.said[conn], line)
			}
			h.mu.Unlock()
			if err != nil {
				return
			}
			fmt.Fprint(conn, line)
		}
	})
}

// member is a client of lines.
type member struct {
	conn net.Conn
	in   *bufio.Reader
}

func enter(ctx context.Context, v *harness.Visit) (*member, error) {
	conn, err := v.NetDial(ctx, "tcp", strings.TrimPrefix(v.URL(), "ws://"))
	if err != nil {
		return nil, err
	}
	m := &member{conn, bufio.NewReader(conn)}
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: lines\r\n\r\n")
	return m, m.say(v.Name)
}

// say sends a line and waits until it comes back.
func (m *member) say(line string) error {
	if _, err := fmt.Fprintln(m.conn, line); err != nil {
		return err
	}
	got, err := m.in.ReadString('\n')
	if err == nil && got != line+"\n" {
		return fmt.Errorf("got %q", got)
	}
	return err
}

// Residents speak the protocol of the hub, too: what it keeps of what they say is a leak per event.
// A life that fails does not leave its connection.
func TestPeersOfAnotherProtocol(t *testing.T) {
	t.Parallel()
	for _, keeps := range []bool{false, true} {
		t.Run(fmt.Sprint("keeps ", keeps), func(t *testing.T) {
			t.Parallel()
			hub := &lines{keeps: keeps, said: map[net.Conn][]string{}}
			target := serve.Pipes(hub)
			var members sync.Map
			join := func(ctx context.Context, v *harness.Visit) error {
				m, err := enter(ctx, v)
				members.Store(v.ID, m)
				return err
			}
			scenarios := []harness.Scenario{
				{Name: "come", Live: func(ctx context.Context, v *harness.Visit) error {
					_, err := enter(ctx, v)
					return err // the connection is closed by the crowd
				}},
				{Name: "talk", Residents: 3, Live: func(_ context.Context, v *harness.Visit) error {
					m, ok := members.Load(v.ID)
					if !ok {
						return errors.New("the resident has not joined")
					}
					return m.(*member).say("again")
				}},
			}
			campaign := &harness.Campaign{
				Crowd:     harness.Crowd{Target: target, Scenarios: scenarios, Seed: 1, Join: join},
				Detectors: []detect.Detector{&detect.Census{Roots: map[string]any{"lines": hub}, Lock: &hub.mu}},
				Departure: []detect.Detector{&detect.Census{Roots: map[string]any{"lines": hub}, Lock: &hub.mu}},
				Quiet: func() error {
					hub.mu.Lock()
					defer hub.mu.Unlock()
					if n := len(hub.said); n > len(scenarios)+1 {
						return fmt.Errorf("%d members", n)
					}
					return nil
				},
			}
			run, err := campaign.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			v := verdict.Judge(run)
			if keeps != (v.Outcome == verdict.Leaking) || !keeps && v.Outcome != verdict.Pass {
				t.Errorf("verdict %s: %+v", v.Outcome, v.Invalid)
			}
			for _, l := range v.Leaks {
				if len(l.Source.Shares) != 1 || l.Source.Shares[0].Scenario != "talk" || l.Source.Shares[0].PerPeer != 1 {
					t.Errorf("leak %s of %+v", l.Field, l.Source.Shares)
				}
			}
			if err := target.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			hub.open.Wait() // each life has closed its connection
		})
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve.Pipes(http.NotFoundHandler())
		for range 2 {
			if err := s.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if conn, err := s.Dial(t.Context(), "tcp", ""); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Dial returns %v, %v after Stop", conn, err)
		}
	})
	s, err := serve.TCP(http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
