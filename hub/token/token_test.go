package token_test

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/token"
)

// soon is an expiry that is to come.
func soon() int64 { return time.Now().Add(time.Hour).Unix() }

// part is one part of a token.
func part(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// wantRefused asserts why a token is refused.
func wantRefused(t *testing.T, v *token.Verifier, text string, want token.Refusal) {
	t.Helper()
	if g, err := v.Authorize(text); !errors.Is(err, want) || !reflect.DeepEqual(g, hub.Grant{}) {
		t.Errorf("got %+v, %v, want the refusal %s", g, err, want.Label())
	}
}

func wantAccepted(t *testing.T, v *token.Verifier, text string, want hub.Grant) {
	t.Helper()
	if g, err := v.Authorize(text); err != nil || !reflect.DeepEqual(g, want) {
		t.Errorf("got %+v, %v, want %+v", g, err, want)
	}
}

// A key verifies the one algorithm of its kind. A token cannot choose another.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	k := keys()
	rsaPEM, edPEM := public(t, k.rsa.Public()), public(t, k.ed.Public())
	claims := map[string]any{"exp": soon()}
	tokens := map[string]string{
		"HS256":                    sign(t, jose.HS256, k.secret, "", claims),
		"RS256":                    sign(t, jose.RS256, k.rsa, "", claims),
		"EdDSA":                    sign(t, jose.EdDSA, k.ed, "", claims),
		"HS512":                    sign(t, jose.HS512, slices.Concat(k.secret, k.secret), "", claims),
		"PS256":                    sign(t, jose.PS256, k.rsa, "", claims),
		"HS256 by the RSA key":     sign(t, jose.HS256, rsaPEM, "", claims),
		"HS256 by the Ed25519 key": sign(t, jose.HS256, edPEM, "", claims),
		"none":                     part(`{"alg":"none"}`) + "." + part(`{"exp":99999999999}`) + ".",
	}
	for alg, content := range map[string][]byte{"HS256": k.secret, "RS256": rsaPEM, "EdDSA": edPEM} {
		v := verifier(t, token.Config{KeyFile: file(t, content)})
		for name, text := range tokens {
			switch {
			case name == alg:
				wantAccepted(t, v, text, hub.Grant{})
			case alg == "HS256" && strings.HasPrefix(name, "HS256"):
				wantRefused(t, v, text, token.Signature)
			default:
				wantRefused(t, v, text, token.Algorithm)
			}
		}
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	k := keys()
	v := verifier(t, token.Config{KeyFile: file(t, k.secret), Issuer: "us", Audience: "hub"})
	id := strings.Repeat("ab", 20)
	with := func(more map[string]any) string {
		claims := map[string]any{"exp": soon(), "iss": "us", "aud": []string{"other", "hub"}}
		for name, value := range more {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
		return sign(t, jose.HS256, k.secret, "", claims)
	}
	wantAccepted(t, v, with(map[string]any{"sub": "alice", "peer_id": id, "networks": []string{"n", "m"}, "hub": true, "aud": "hub"}),
		hub.Grant{Subject: "jwt\x00us\x00alice", PeerID: "abababababababababababababababababababab", Networks: []string{"n", "m"}, Hub: true})
	wantAccepted(t, v, with(map[string]any{"networks": []string{}}), hub.Grant{Networks: []string{}})
	wantAccepted(t, v, with(map[string]any{"exp": time.Now().Add(-10 * time.Second).Unix()}), hub.Grant{}) // clocks differ
	for _, wrong := range []struct {
		name  string
		value any
		why   token.Refusal
	}{
		{"exp", nil, token.Claims}, {"exp", "never", token.Claims}, {"exp", time.Now().Add(-time.Minute).Unix(), token.Expired},
		{"nbf", soon(), token.NotYetValid}, {"iat", soon(), token.NotYetValid}, {"iss", "them", token.Issuer}, {"iss", nil, token.Issuer},
		{"aud", "other", token.Audience}, {"aud", nil, token.Audience}, {"peer_id", "short", token.Claims}, {"peer_id", 7, token.Claims},
		{"networks", "n", token.Claims}, {"networks", []int{1}, token.Claims}, {"hub", "true", token.Claims},
	} {
		t.Run(wrong.name+" "+wrong.why.Label(), func(t *testing.T) {
			wantRefused(t, v, with(map[string]any{wrong.name: wrong.value}), wrong.why)
		})
	}
}

// Each refusal is counted by its reason. No reason holds a part of the token.
func TestRefusals(t *testing.T) {
	t.Parallel()
	k := keys()
	v := verifier(t, token.Config{KeyFile: file(t, k.secret)})
	good := sign(t, jose.HS256, k.secret, "", map[string]any{"exp": soon()})
	head, rest, _ := strings.Cut(good, ".")
	changed := head + "." + part(`{"exp":99999999999}`) + rest[strings.Index(rest, "."):]
	for _, forged := range []string{good[:len(good)-4] + "AAAA", changed} {
		wantRefused(t, v, forged, token.Signature)
	}
	for _, text := range []string{"", "open sesame", "a.b.c", good + "." + good, strings.Repeat("x", 16<<10)} {
		wantRefused(t, v, text, token.Malformed)
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(v)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	held, counts := 0.0, make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			switch f.GetName() {
			case "pigeonhub_token_refusals_total":
				counts[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			case "pigeonhub_token_keys":
				held = m.GetGauge().GetValue()
			}
		}
	}
	if len(counts) != 10 || counts["signature"] != 2 || counts["malformed"] != 5 || held != 1 {
		t.Errorf("%v keys, counted are %v", held, counts)
	}
	v.Close()
	wantRefused(t, v, good, token.NoKeys)
}

// A wrong file or URL is an error, and no error quotes a secret.
func TestLoad(t *testing.T) {
	t.Parallel()
	k := keys()
	pem := public(t, k.ed.Public())
	for name, cfg := range map[string]token.Config{
		"no file":         {KeyFile: "nowhere.pem"},
		"short secret":    {KeyFile: file(t, []byte("hunter2"))},
		"broken PEM":      {KeyFile: file(t, pem[:len(pem)-30])},
		"no set":          {JWKS: file(t, []byte("hunter2"))},
		"empty set":       {JWKS: file(t, []byte(`{"keys":[]}`))},
		"short key":       {JWKS: file(t, []byte(`{"keys":[{"kty":"oct","k":"aHVudGVyMg"}]}`))},
		"unknown key":     {JWKS: file(t, []byte(`{"keys":[{"kty":"hunter2"}]}`))},
		"for encryption":  {JWKS: file(t, set(t, jose.JSONWebKey{Key: k.ed.Public(), Use: "enc"}))},
		"other algorithm": {JWKS: file(t, set(t, jose.JSONWebKey{Key: k.rsa.Public(), Algorithm: "RS512"}))},
		"http":            {JWKS: "http://issuer.example/keys"},
		"no URL":          {JWKS: "https://"},
		"issuer alone":    {Issuer: "us"},
	} {
		if rules, err := token.Load(cfg); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, %v, want an error", name, rules, err)
		}
	}
	if rules, err := token.Load(token.Config{}); rules != nil || err != nil {
		t.Errorf("without keys: got %v, %v", rules, err)
	}
}

// A key set is loaded again when its time has come, and earlier if a token has an unknown key. One
// that cannot be loaded leaves the one before in use.
func TestRefresh(t *testing.T) {
	t.Parallel()
	k := keys()
	name := file(t, set(t, jose.JSONWebKey{Key: k.secret, KeyID: "old"}))
	renewed := set(t, jose.JSONWebKey{Key: k.ed.Public(), KeyID: "new", Algorithm: "EdDSA", Use: "sig"})
	synctest.Test(t, func(t *testing.T) {
		v := verifier(t, token.Config{JWKS: name, Refresh: time.Hour})
		claims := map[string]any{"exp": time.Now().Add(24 * time.Hour).Unix()}
		old, next := sign(t, jose.HS256, k.secret, "old", claims), sign(t, jose.EdDSA, k.ed, "new", claims)
		wantAccepted(t, v, old, hub.Grant{})
		wantRefused(t, v, next, token.UnknownKey)
		write(t, name, []byte("half a file"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		wantAccepted(t, v, old, hub.Grant{})
		write(t, name, renewed)
		time.Sleep(time.Minute)
		synctest.Wait()
		wantAccepted(t, v, next, hub.Grant{})
		wantRefused(t, v, old, token.UnknownKey)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		write(t, name, set(t, jose.JSONWebKey{Key: k.secret, KeyID: "old"}))
		time.Sleep(time.Hour)
		synctest.Wait()
		wantAccepted(t, v, old, hub.Grant{})
	})
}

// A key set from a URL: while the issuer fails no token is accepted, and other rules with the same
// URL go on with the keys that are there. Secrets are not taken from a URL.
func TestURL(t *testing.T) {
	t.Parallel()
	k := keys()
	i := newIssuer(t)
	cfg := token.Config{JWKS: i.URL, Refresh: time.Hour}
	text := sign(t, jose.EdDSA, k.ed, "1", map[string]any{"exp": soon()})
	v := verifier(t, cfg)
	wantRefused(t, v, text, token.NoKeys)
	use := func() {
		rules, err := token.Load(cfg)
		if err != nil {
			t.Fatal(err)
		}
		v.Use(rules, slog.New(slog.DiscardHandler))
	}
	i.serve(set(t, jose.JSONWebKey{Key: k.secret}))
	use()
	wantRefused(t, v, text, token.NoKeys)
	i.serve(set(t, jose.JSONWebKey{Key: k.ed.Public(), KeyID: "1"}, jose.JSONWebKey{Key: k.secret}))
	use()
	wantAccepted(t, v, text, hub.Grant{})
	i.set.Store(nil)
	use()
	wantAccepted(t, v, text, hub.Grant{})
	if n := i.asked.Load(); n != 4 {
		t.Errorf("the issuer was asked %d times, want 4", n)
	}
}
