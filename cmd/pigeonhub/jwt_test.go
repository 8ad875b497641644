package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// newIssuer writes a public key to a file, and returns a function that signs tokens.
func newIssuer(t *testing.T, file string) (sign func(claims map[string]any) string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: private}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return func(claims map[string]any) string {
		if claims["exp"] == nil {
			claims["exp"] = time.Now().Add(time.Hour).Unix()
		}
		text, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

// Peers come with signed tokens beside the static one. Neither the log nor the metrics hold a
// token. A reload takes the new key, and refuses a broken one as a whole.
func TestSignedTokens(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "issuer.pem")
	sign := newIssuer(t, key)
	file := writeSettings(t, "auth-token: hunter2\njwt-key: "+key+"\njwt-issuer: us\ntoken-connections: 1\n")
	s, log, addr := startService(t, "--config="+file, "--public-metrics")
	want := func(token string, code int) {
		t.Helper()
		if got := status(t, addr, token); got != code {
			t.Errorf("a peer gets %d, want %d", got, code)
		}
	}
	good := sign(map[string]any{"iss": "us", "sub": "alice"})
	expired := sign(map[string]any{"iss": "us", "exp": 1})
	alice := connect(t, "ws://"+addr+"/?token="+good)
	want(sign(map[string]any{"iss": "us", "sub": "alice"}), http.StatusTooManyRequests)
	want(sign(map[string]any{"iss": "us", "peer_id": strings.Repeat("cd", 20)}), http.StatusUnauthorized)
	want(sign(map[string]any{"iss": "us", "sub": "bob"}), http.StatusSwitchingProtocols)
	want("hunter2", http.StatusSwitchingProtocols)
	want(expired, http.StatusUnauthorized)
	want("", http.StatusUnauthorized)
	if why := log.want("refused")["why"]; why != "the token is for another peer id" && why != nil {
		t.Errorf("the log says %q", why)
	}
	text := bodyWith(t, "http://"+addr+"/metrics", "hunter2")
	for _, metric := range []string{
		`pigeonhub_token_refusals_total{reason="expired"} 1`, "pigeonhub_token_keys 1", `pigeonhub_requests_refused_total{reason="token"} 1`,
	} {
		if !strings.Contains(text, "\n"+metric+"\n") {
			t.Errorf("the metrics lack %s", metric)
		}
	}

	next := newIssuer(t, key)
	s.reload()
	want(sign(map[string]any{"iss": "us"}), http.StatusUnauthorized)
	want(next(map[string]any{"iss": "us"}), http.StatusSwitchingProtocols)
	rewrite(t, key, "broken")
	s.reload()
	want(next(map[string]any{"iss": "us"}), http.StatusSwitchingProtocols)
	if !strings.Contains(log.String(), "jwt-key and jwt-jwks: "+key+": the secret has 6 bytes") {
		t.Errorf("the log does not say what is wrong:\n%s", log)
	}
	rewrite(t, file, "auth-token: hunter2\n")
	s.reload()
	want(next(map[string]any{"iss": "us"}), http.StatusUnauthorized)
	if err := alice.SendRaw([]byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	if m, err := alice.Receive(); err != nil || m.Type != "pong" {
		t.Errorf("after the reloads a peer got %+v, %v, want a pong", m, err)
	}
	for _, secret := range []string{"hunter2", good, expired} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("a token is in the log:\n%s", log)
		}
	}
}

// bodyWith returns what a page says to a request with a token.
func bodyWith(t *testing.T, url, token string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The keys are checked with the other settings, and must not be misspelled.
func TestCheckConfigReadsTheKeys(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "issuer.pem")
	newIssuer(t, key)
	if code, _, err := ask(t, nil, "--check-config", "--jwt-key="+key); code != exitOK {
		t.Errorf("exit code %d, says %q, want %d", code, err, exitOK)
	}
	for _, args := range [][]string{{"--jwt-key=" + os.DevNull}, {"--jwt-jwks=" + key}, {"--jwt-jwks=http://issuer.example/"}, {"--jwt-issuer=us"}} {
		if code, _, err := ask(t, nil, append(args, "--check-config")...); code != exitConfig || !strings.Contains(err, "jwt-key and jwt-jwks: ") {
			t.Errorf("%v: exit code %d, says %q, want %d", args, code, err, exitConfig)
		}
	}
	if code, _, _ := ask(t, []string{"PIGEONHUB_JWTKEY=" + key}, "--print-config"); code != exitConfig {
		t.Errorf("a misspelled variable: exit code %d, want %d", code, exitConfig)
	}
}
