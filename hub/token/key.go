package token

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

const (
	minSecret  = 32   // bytes of a secret for HS256 (RFC 7518 section 3.2)
	minModulus = 2048 // bits of a key for RS256 (RFC 7518 section 3.3)
	maxKeys    = 32   // of a key set: a token that names no key is tried with each
)

// key verifies tokens of one algorithm.
type key struct {
	id  string // "" is for any id
	alg jose.SignatureAlgorithm
	is  any
}

// newKey returns a key with the one algorithm of its kind.
func newKey(id string, is any) (key, error) {
	switch k := is.(type) {
	case []byte:
		if len(k) < minSecret {
			return key{}, fmt.Errorf("the secret has %d bytes, must have at least %d", len(k), minSecret)
		}
		return key{id, jose.HS256, k}, nil
	case *rsa.PublicKey:
		if k.N.BitLen() < minModulus {
			return key{}, fmt.Errorf("the RSA key has %d bits, must have at least %d", k.N.BitLen(), minModulus)
		}
		return key{id, jose.RS256, k}, nil
	case ed25519.PublicKey:
		return key{id, jose.EdDSA, k}, nil
	}
	return key{}, errors.New("the key must be an RSA or Ed25519 public key, or a secret")
}

// parseKey returns the key in a file: a public key or certificate in PEM, or else a secret. What
// looks like PEM is never a secret, because public keys are public.
func parseKey(content []byte) (key, error) {
	content = bytes.TrimSpace(content)
	if !bytes.Contains(content, []byte("-----BEGIN")) {
		return newKey("", content)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return key{}, errors.New("the PEM block is broken")
	}
	if block.Type == "CERTIFICATE" {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return key{}, err
		}
		return newKey("", c.PublicKey)
	}
	is, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return key{}, fmt.Errorf("the PEM block is %.50q, must be a PUBLIC KEY or CERTIFICATE: %w", block.Type, err)
	}
	return newKey("", is)
}

// parseSet returns the usable keys of a JSON Web Key Set. It skips others, as RFC 7517 section 5
// wants: a set serves many programs. Secrets are usable if the set is secret itself.
func parseSet(content []byte, secret bool) (keys []key, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(content, &set); err != nil {
		return nil, fmt.Errorf("no JSON Web Key Set: %w", err)
	}
	reason := errors.New("it is empty")
	for _, raw := range set.Keys {
		k, err := parseJWK(raw, secret)
		if err != nil {
			reason = err
			continue
		}
		if keys = append(keys, k); len(keys) > maxKeys {
			return nil, fmt.Errorf("the key set has more than %d usable keys", maxKeys)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("the key set has no usable key: %w", reason)
	}
	return keys, nil
}

func parseJWK(raw []byte, secret bool) (key, error) {
	var j jose.JSONWebKey
	if err := json.Unmarshal(raw, &j); err != nil {
		return key{}, errors.New("a key cannot be read") // the library's error may quote a secret
	}
	if _, isSecret := j.Key.([]byte); isSecret && !secret {
		return key{}, errors.New("a key is a secret, which anybody may read there")
	}
	k, err := newKey(j.KeyID, j.Key)
	switch {
	case err != nil:
		return key{}, err
	case j.Algorithm != "" && j.Algorithm != string(k.alg):
		return key{}, fmt.Errorf("a key is for %.20q, must be for %s", j.Algorithm, k.alg)
	case j.Use != "" && j.Use != "sig":
		return key{}, errors.New("a key is not for signatures")
	}
	return k, nil
}
