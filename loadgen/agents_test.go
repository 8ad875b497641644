package loadgen

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// startAgents has n agents come as soon as a server listens, and go with the test.
func startAgents(t *testing.T, n int, a Agents) (Agents, []context.CancelFunc) {
	t.Helper()
	var agents sync.WaitGroup
	ends := make([]context.CancelFunc, n)
	contexts := make([]context.Context, n)
	for i := range n {
		contexts[i], ends[i] = context.WithCancel(t.Context())
	}
	begin := func(url string) {
		for i := range n {
			agents.Go(func() {
				if err := ServeAgent(contexts[i], AgentConfig{NATS: NATS{URL: url, CA: a.CA}}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	t.Cleanup(func() {
		for _, end := range ends {
			end()
		}
		agents.Wait()
	})
	a.Listening = begin
	if a.URL != "" {
		begin(a.URL)
	}
	if a.Embedded.Listen == "" {
		a.Embedded.Listen = "127.0.0.1:0"
	}
	return a, ends
}

// A run of two agents over the embedded server gives the same totals as one process.
func TestAgentsGiveTheSameTotals(t *testing.T) {
	t.Parallel()
	wantSameTotals(t, func(t *testing.T, cfg *Config) {
		cfg.Recruiter, _ = startAgents(t, 2, Agents{})
	})
}

// Agents find the leak that one process finds.
func TestAgentsCheck(t *testing.T) {
	t.Parallel()
	a, _ := startAgents(t, 2, Agents{})
	checkForResets(t, 22, Config{Workers: 2, Recruiter: a})
}

// One agent does runs one after the other, at a server of its own, and waits meanwhile.
func TestAgentDoesSeveralRuns(t *testing.T) {
	t.Parallel()
	s, err := EmbeddedNATS{Listen: "127.0.0.1:0"}.start("secret")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	a, _ := startAgents(t, 1, Agents{NATS: NATS{URL: "nats://secret@" + s.Addr().String()}})
	for range 2 {
		r := runOnHub(t, Config{Plan: planWith(t, "ramp", Phase{Peers: 20, Rate: 200, Duration: time.Millisecond}), Workers: 1, Recruiter: a})
		if r.Verdict.Run.Lives != 21 || len(r.Verdict.Invalid) > 0 {
			t.Errorf("%d lives, invalid for %v", r.Verdict.Run.Lives, r.Verdict.Invalid)
		}
	}
}

// An agent that is lost makes the run invalid, and nothing of it is left.
func TestLostAgent(t *testing.T) {
	t.Parallel()
	a, ends := startAgents(t, 2, Agents{})
	r := runOnHub(t, Config{Plan: planWith(t, "ramp", Phase{Peers: 100, Rate: 200, Duration: time.Minute, Networks: 10}), Workers: 2, Recruiter: a, Watch: atPeers(20, ends[0])})
	if v := r.Verdict; v.Outcome != verdict.Invalid || len(v.Invalid) != 1 || !strings.Contains(v.Invalid[0].What, "of 2 (agent ") {
		t.Errorf("outcome %s, invalid for %v", v.Outcome, v.Invalid)
	}
}

// An agent that is killed is missed at once.
func TestKilledAgent(t *testing.T) {
	t.Parallel()
	a, _ := startAgents(t, 1, Agents{})
	started, killed := make(chan *exec.Cmd, 1), make(chan time.Time, 1)
	begin := a.Listening
	a.Listening = func(url string) {
		begin(url)
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"=agent", agentURLEnv+"="+url)
		if err := cmd.Start(); err != nil {
			t.Error(err)
			return
		}
		started <- cmd
	}
	kill := func() {
		cmd := <-started
		killed <- time.Now()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
	r := runOnHub(t, Config{Plan: planWith(t, "ramp", Phase{Peers: 100, Rate: 200, Duration: time.Minute, Networks: 10}), Workers: 2, Recruiter: a, Watch: atPeers(20, kill)})
	if v := r.Verdict; v.Outcome != verdict.Invalid || len(v.Invalid) != 1 || !strings.Contains(v.Invalid[0].What, "has ended") {
		t.Errorf("outcome %s, invalid for %v", v.Outcome, v.Invalid)
	}
	if took := time.Since(<-killed); took > 40*time.Second {
		t.Errorf("the run took %s more", took)
	}
}

// With a certificate agents connect by TLS, and only to who has it.
func TestAgentsByTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	a, _ := startAgents(t, 2, Agents{NATS: NATS{CA: cert}, Embedded: EmbeddedNATS{Cert: cert, Key: key}})
	begin := a.Listening
	a.Listening = func(url string) {
		if !strings.HasPrefix(url, "tls://") {
			t.Errorf("agents are told %s", url)
		}
		if nc, err := nats.Connect(url); err == nil {
			nc.Close()
			t.Error("a certificate of nobody known is trusted")
		}
		begin(url)
	}
	r := runOnHub(t, Config{Plan: planWith(t, "ramp", Phase{Peers: 20, Rate: 200, Duration: time.Millisecond}), Workers: 2, Recruiter: a})
	if r.Verdict.Run.Lives != 21 || len(r.Verdict.Invalid) > 0 {
		t.Errorf("%d lives, invalid for %v", r.Verdict.Run.Lives, r.Verdict.Invalid)
	}
}

// certificate writes one of 127.0.0.1 and its key to files.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	own := s.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	err = errors.Join(
		os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// Too few agents, and a token that is another, are said.
func TestNoAgents(t *testing.T) {
	t.Parallel()
	a, _ := startAgents(t, 1, Agents{Patience: 10 * time.Second})
	p := planWith(t, "ramp", Phase{Peers: 20, Rate: 200})
	if _, err := Run(t.Context(), Config{URL: "ws://127.0.0.1:1", Plan: p, Workers: 2, Recruiter: a}); err == nil || !strings.Contains(err.Error(), "only 1 of 2 agents") {
		t.Errorf("got %v", err)
	}
	s, err := EmbeddedNATS{Listen: "127.0.0.1:0"}.start("secret")
	if err != nil {
		t.Fatal(err)
	}
	defer s.WaitForShutdown()
	defer s.Shutdown()
	_, err = Agents{NATS: NATS{URL: "nats://guess@" + s.Addr().String()}}.recruit(t.Context(), 1, slog.New(slog.DiscardHandler))
	if !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("got %v, want %v", err, nats.ErrAuthorization)
	}
}

// linkPair returns both ends of a link over a server, with what may go wrong between.
func linkPair(t *testing.T) (a, b *natsLink, nc *nats.Conn) {
	t.Helper()
	s, err := EmbeddedNATS{Listen: "127.0.0.1:0"}.start("")
	if err != nil {
		t.Fatal(err)
	}
	nc, err = nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	a, err = newNATSLink(nc, "up", "down", "b", func() {})
	if err == nil {
		b, err = newNATSLink(nc, "down", "up", "a", func() {})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.close(0)
		b.close(0)
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
		if err := a.send(parcel{Done: &outcome{Error: strings.Repeat("x", n)}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range sizes {
		p, err := b.receive()
		if err != nil || p.Done == nil || len(p.Done.Error) != n {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	a.close(0)
	if _, err := b.receive(); err == nil {
		t.Error("a link whose other end is closed is open")
	}
}

// A message that is lost, or is somebody else's, ends the link.
func TestNATSLinkLosesNothing(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(a *natsLink, nc *nats.Conn) error{
		"lost":           func(a *natsLink, _ *nats.Conn) error { a.sent++; return nil },
		"twice":          func(a *natsLink, _ *nats.Conn) error { a.sent--; return nil },
		"somebody else":  func(_ *natsLink, nc *nats.Conn) error { return nc.Publish("down", []byte("hello")) },
		"no longer here": func(a *natsLink, nc *nats.Conn) error { return nc.Publish("down", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, nc := linkPair(t)
			if err := errors.Join(a.send(parcel{Stop: true}), disturb(a, nc), a.send(parcel{Stop: true})); err != nil {
				t.Fatal(err)
			}
			if _, err := b.receive(); err != nil {
				t.Fatal(err)
			}
			if p, err := b.receive(); err == nil {
				t.Errorf("received %+v", p)
			}
		})
	}
}
