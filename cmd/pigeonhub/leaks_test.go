//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// The leak suite runs TestLeaks in a process of its own, for which it sets these variables: the file
// for the run that the suite judges, and the seed.
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
	run, err := newLeakCampaign(t, seed).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(run)
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

// newLeakCampaign starts the service, which ends with the test.
func newLeakCampaign(t *testing.T, seed uint64) *harness.Campaign {
	t.Helper()
	cert, key := writeCertificate(t, "hub.example")
	jwks, sign := newKeySet(t)
	flags := append(leakFlags[:len(leakFlags):len(leakFlags)], "--tls-cert="+cert, "--tls-key="+key, "--jwt-jwks="+jwks)
	tap := newURLTap()
	s := startServiceTo(t, tap, flags...)
	target, err := newLeakTarget(<-tap.public, s)
	if err != nil {
		t.Fatal(err)
	}
	clients := &leakClients{service: s, target: target, flags: flags, admin: <-tap.operator, sign: sign}
	return &harness.Campaign{
		Name:  "regress, program in process",
		Crowd: harness.Crowd{Target: target, Scenarios: clients.scenarios(), Seed: seed, Token: leakToken, AtOnce: 8, LifeLimit: patience},
		Peers: clients.dose, Fill: map[string]int64{"clean": 3000}, // see filling in package regress
		Detectors: []detect.Detector{
			&detect.Descriptors{}, &detect.Goroutines{}, &detect.Gauges{Target: target}, &detect.Unclosed{},
			&detect.Timers{}, &detect.Sites{}, &detect.Census{Roots: target.Roots()},
		},
		Progress: func(step string) { t.Log(time.Now().Format("15:04:05.000"), step) },
	}
}

// newKeySet writes a JSON Web Key Set with the key "known", and returns the file and a function that
// signs a token with that key. The token names the key id.
func newKeySet(t *testing.T) (file string, sign func(key string) (string, error)) {
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
	return file, func(key string) (string, error) {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: private, KeyID: key}}, nil)
		if err != nil {
			return "", err
		}
		return jwt.Signed(signer).Claims(map[string]any{"exp": time.Now().Add(time.Hour).Unix()}).Serialize()
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
