// Package token decides about JSON Web Tokens (RFC 7519) for a hub.
//
//	rules, err := token.Load(token.Config{KeyFile: "issuer.pem"})
//	...
//	var v token.Verifier
//	v.Use(rules, logger)
//	defer v.Close()
//	h, err := hub.New(hub.Config{Authorize: v.Authorize})
//
// A token must be signed by HS256, RS256 or EdDSA and must have an expiry. The kind of the key
// decides about the algorithm, never the token: a secret verifies HS256 only, an RSA key RS256, an
// Ed25519 key EdDSA. These claims of a token become its hub.Grant:
//
//	sub       whose token it is: limits of connections go by it
//	peer_id   the one peer id that it is for
//	networks  a list of the networks that the peer may be in
//	hub       true: the peer may be a hub
//
// The files:
//
//	rules.go     Config, Load
//	key.go       keys, from PEM, a secret or a JSON Web Key Set (RFC 7517)
//	verifier.go  Verifier, Authorize
//	refresh.go   the goroutine that loads the key set again
//	refusal.go   why a token is refused
//	metrics.go   Prometheus
package token
