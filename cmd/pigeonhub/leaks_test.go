//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	serving "github.com/pigeonhub/pigeonhub/harness/serve"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// The leak suite runs TestLeaks in a process of its own, for which it sets these variables: the file
// for the runs that the suite judges, and the seed.
const (
	leaksVariable     = "PIGEONHUB_LEAKS"
	leaksSeedVariable = "PIGEONHUB_LEAKS_SEED"
)

func init() {
	if os.Getenv(leaksVariable) != "" {
		heap.RecordAll() // which makes every other test slow
	}
}

// TestLeaks puts peers and HTTP clients through a service of this process, and starts and stops the
// whole program beside it. The leak suite reads the program from outside, too, but only here it sees
// which field retains an object, and what each start of the program leaves behind.
func TestLeaks(t *testing.T) {
	file := os.Getenv(leaksVariable)
	if file == "" {
		t.Skip(leaksVariable + " is not set: the leak suite runs this test")
	}
	seed, err := strconv.ParseUint(os.Getenv(leaksSeedVariable), 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", leaksSeedVariable, err)
	}
	var runs []verdict.Run
	for _, start := range []func(*testing.T, uint64) *harness.Campaign{newLeakCampaign, newReloadCampaign} {
		run, err := start(t, seed).Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	text, err := json.Marshal(runs)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// leakFlags have timeouts that are short enough to end in every cycle.
var leakFlags = append(loopback[:len(loopback):len(loopback)], "--public-metrics", "--ping-interval=1s", "--pong-timeout=2s",
	"--first-message-timeout=2500ms", "--message-timeout=2500ms", "--close-timeout=500ms", "--drain-window=off", "--log-level=debug",
	"--auth-token="+leakToken, "--admin-token="+leakToken)

// leakToken is that of peers and of operators.
const leakToken = "the token of the service"

// trusting accepts the certificate, which the test signs itself.
var trusting = &tls.Config{InsecureSkipVerify: true}

// newLeakCampaign returns a campaign of all clients but reloads. Its service ends with the test.
func newLeakCampaign(t *testing.T, seed uint64) *harness.Campaign {
	t.Helper()
	jwks, sign := newKeySet(t)
	clients := startForLeaks(t, "--jwt-jwks="+jwks, "--exempt-addresses=127.0.0.0/24", "--address-connections=1", "--prefix-connections=off")
	clients.sign = sign
	clients.oneStays(t)
	return clients.campaign("regress, program in process", seed, clients.scenarios())
}

// newReloadCampaign returns a campaign of reloads. They are not beside the other clients, because a reload
// makes the pages and the rules anew, and drops what these have collected. The key set comes from an
// issuer that never closes a connection, a token has yet to expire, and systemd does not listen.
func newReloadCampaign(t *testing.T, seed uint64) *harness.Campaign {
	t.Helper()
	file, sign := newKeySet(t)
	set, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(set) }))
	t.Cleanup(issuer.Close)
	clients := startForLeaks(t, "--jwt-jwks="+issuer.URL, "--auth-tokens=one that expires@2999-12-31T00:00:00Z", "--exempt-addresses=127.0.0.0/24")
	clients.sign = sign
	clients.service.notify = notifier{socket: filepath.Join(t.TempDir(), "nobody"), log: clients.service.log}
	campaign := clients.campaign("regress, program that reloads", seed, clients.reloads())
	campaign.Fill = nil // a reload empties what could be filled, but what is of the hub
	return campaign
}

// startForLeaks starts a service with TLS, which ends with the test.
func startForLeaks(t *testing.T, more ...string) *leakClients {
	t.Helper()
	cert, key := writeCertificate(t, "hub.example")
	flags := slices.Concat(leakFlags, []string{"--tls-cert=" + cert, "--tls-key=" + key}, more)
	tap := newURLTap()
	s := startServiceTo(t, tap, flags...)
	target, err := newLeakTarget(<-tap.public, s)
	if err != nil {
		t.Fatal(err)
	}
	clients := &leakClients{service: s, target: target, flags: flags, admin: <-tap.operator, log: t.Log}
	clients.fillHub(t)
	return clients
}

// fillHub lets enough peers come to fill what is bounded in the hub, without TLS, which takes ten times
// as long. See filled in package regress.
func (c *leakClients) fillHub(t *testing.T) {
	t.Helper()
	server, err := serving.TCP(c.service.hub)
	if err != nil {
		t.Fatal(err)
	}
	crowd := harness.Crowd{Target: server, Scenarios: harness.Scenarios()[:1], Token: leakToken, AtOnce: 8, LifeLimit: patience}
	arrived := crowd.Send(t.Context(), 0, map[string]int64{"clean": 5000})
	if err := errors.Join(arrived.Err(), server.Stop(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// oneStays connects a peer with a signed token, which stays until the test ends: what is let go when the
// last of them has left is not let go.
func (c *leakClients) oneStays(t *testing.T) {
	t.Helper()
	token, err := c.sign("known", "the subject that stays")
	if err != nil {
		t.Fatal(err)
	}
	peer, err := wire.Dial(t.Context(), c.target.URL(), wire.NewPeerID(), &wire.DialOptions{
		NetDialContext: c.target.Dial, Header: http.Header{"Authorization": {"Bearer " + token}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.Announce("a network that one stays in", nil); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			_, err = peer.ReceiveRaw() // answers pings
		}
		ended <- err
	}()
	t.Cleanup(func() {
		select {
		case err := <-ended:
			t.Errorf("the peer that was to stay has gone: %v", err)
		default:
			peer.Close()
			<-ended
		}
	})
}

// campaign returns a campaign of the clients.
func (c *leakClients) campaign(name string, seed uint64, scenarios []harness.Scenario) *harness.Campaign {
	return &harness.Campaign{
		Name:  name,
		Crowd: harness.Crowd{Target: c.target, Scenarios: scenarios, Seed: seed, Token: leakToken, AtOnce: 8, LifeLimit: patience},
		Peers: c.dose, Fill: map[string]int64{"clean": 3000}, // see filled in package regress
		Detectors: []detect.Detector{
			&detect.Descriptors{}, &detect.Goroutines{}, &detect.Gauges{Target: c.target}, &detect.Unclosed{},
			&detect.Mapped{}, &detect.Timers{}, &detect.Sites{}, &detect.Census{Roots: c.target.Roots()},
		},
		Progress: func(step string) { c.log(time.Now().Format("15:04:05.000"), step) },
	}
}

// newKeySet writes a JSON Web Key Set with the key "known", and returns the file and a function that
// signs a token with that key for a subject. The token names the key id.
func newKeySet(t *testing.T) (file string, sign func(key, subject string) (string, error)) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "known", Algorithm: string(jose.EdDSA)}}})
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "jwks.json")
	rewrite(t, file, string(set))
	return file, func(key, subject string) (string, error) {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: private, KeyID: key}}, nil)
		if err != nil {
			return "", err
		}
		return jwt.Signed(signer).Claims(map[string]any{"exp": time.Now().Add(time.Hour).Unix(), "sub": subject}).Serialize()
	}
}

// leakTarget is a service of this process as a target. Peers dial it with TLS, though its URL begins
// with ws.
type leakTarget struct {
	*harness.Remote
	hub     hubtest.Target // for its gauges
	service *service
}

func newLeakTarget(url string, s *service) (*leakTarget, error) {
	remote, err := harness.NewRemote(strings.Replace(url, "wss:", "ws:", 1))
	if err != nil {
		return nil, err
	}
	t := &leakTarget{Remote: remote, service: s}
	if s != nil {
		t.hub.Hub = s.hub
	}
	return t, nil
}

func (t *leakTarget) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	dialer := tls.Dialer{Config: trusting}
	return dialer.DialContext(ctx, network, addr)
}

func (t *leakTarget) Gauges() (map[string]float64, error)   { return t.hub.Gauges() }
func (t *leakTarget) GaugeClass(gauge string) verdict.Class { return t.hub.GaugeClass(gauge) }
func (t *leakTarget) Check() error                          { return t.hub.Check() }
func (t *leakTarget) Roots() map[string]any                 { return map[string]any{"service": t.service} }

// urlTap is a log of which only the URLs of the listeners are kept.
type urlTap struct{ public, operator chan string }

func newURLTap() *urlTap { return &urlTap{make(chan string, 1), make(chan string, 1)} }

// Write implements io.Writer for lines of a JSON log.
func (u *urlTap) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(`"msg":"listening`)) {
		if line := parse(string(p)); line["msg"] == "listening" {
			u.public <- line["url"].(string)
		} else {
			u.operator <- line["url"].(string)
		}
	}
	return len(p), nil
}
