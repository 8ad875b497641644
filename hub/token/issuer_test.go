package token_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/pigeonhub/pigeonhub/hub/token"
)

// keys are the keys of an issuer. RSA keys take long to make, so all tests share them.
var keys = sync.OnceValue(func() (k struct {
	secret []byte
	rsa    *rsa.PrivateKey
	ed     ed25519.PrivateKey
}) {
	k.secret = make([]byte, 32)
	rand.Read(k.secret)
	for i, b := range k.secret {
		k.secret[i] = 'a' + b%26 // no space at an end
	}
	k.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	_, k.ed, _ = ed25519.GenerateKey(rand.Reader)
	return k
})

// sign returns a token with claims, signed by a key.
func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, id string, claims map[string]any) string {
	t.Helper()
	options := &jose.SignerOptions{}
	if id != "" {
		options = options.WithHeader("kid", id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// file writes a file and returns its name.
func file(t *testing.T, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key")
	write(t, name, content)
	return name
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// public returns a public key in PEM.
func public(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// set returns a JSON Web Key Set.
func set(t *testing.T, list ...jose.JSONWebKey) []byte {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: list})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// verifier uses a configuration until the test ends.
func verifier(t *testing.T, cfg token.Config) *token.Verifier {
	t.Helper()
	rules, err := token.Load(cfg)
	if err != nil {
		t.Fatal(err)
	}
	v := new(token.Verifier)
	t.Cleanup(v.Close)
	v.Use(rules, slog.New(slog.NewTextHandler(t.Output(), nil)))
	return v
}

// issuer serves a key set over HTTP.
type issuer struct {
	*httptest.Server
	set   atomic.Pointer[[]byte] // nil: it fails
	asked atomic.Int64
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.asked.Add(1)
		if set := i.set.Load(); set != nil {
			w.Write(*set)
			return
		}
		http.Error(w, "out of order", http.StatusInternalServerError)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) serve(set []byte) { i.set.Store(&set) }
