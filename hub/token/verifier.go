package token

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// leeway is how far the clocks of issuer and hub may differ.
const leeway = 30 * time.Second

var algorithms = []jose.SignatureAlgorithm{jose.HS256, jose.RS256, jose.EdDSA}

// Verifier decides about tokens by the rules in use. The zero value has none, and refuses every
// token. Its methods may be called concurrently.
type Verifier struct {
	current  atomic.Pointer[state]
	wake     atomic.Pointer[context.CancelFunc] // asks for the key set; see refresh
	refused  [numRefusals]atomic.Uint64
	failures atomic.Uint64 // to load the key set

	mu   sync.Mutex
	stop func() // ends the goroutine that refreshes; nil if none runs
}

// state is the rules in use with the key set. It does not change.
type state struct {
	rules  *Rules
	set    []key
	loaded time.Time // zero if the set has not been loaded
}

// claims are those that a hub knows.
type claims struct {
	PeerID   wire.PeerID `json:"peer_id"`
	Networks []string    `json:"networks"`
	Hub      bool        `json:"hub"`
}

// Use replaces the rules; nil refuses every token. If the key set has its own goroutine, it ends the
// one before. A key set of the same URL stays in use until it is loaded again. Otherwise Use waits
// for it, for firstLoad at most.
func (v *Verifier) Use(rules *Rules, log *slog.Logger) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.endLocked()
	old, next := v.current.Load(), &state{rules: rules}
	switch {
	case rules == nil:
		v.current.Store(nil)
		return
	case !rules.remote:
		next.set, next.loaded = rules.set, time.Now()
	case old != nil && old.rules.JWKS == rules.JWKS:
		next.set, next.loaded = old.set, old.loaded
	}
	v.current.Store(next)
	if rules.JWKS != "" {
		v.startLocked(log)
	}
}

// Close ends the goroutine. The verifier then refuses every token. Close may be called more than once.
func (v *Verifier) Close() { v.Use(nil, nil) }

// Authorize implements hub.Config.Authorize. The error is a Refusal.
func (v *Verifier) Authorize(token string) (hub.Grant, error) {
	g, err := v.authorize(token)
	if err != nil {
		v.refused[err.(Refusal)].Add(1)
	}
	return g, err
}

func (v *Verifier) authorize(token string) (g hub.Grant, err error) {
	s := v.current.Load()
	if s == nil {
		return g, NoKeys
	}
	t, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		if why := refusalOf(err); why == Algorithm {
			return g, why
		}
		return g, Malformed
	}
	keys, err := s.keysFor(t.Headers[0])
	if err == UnknownKey {
		v.askForKeys()
	}
	if err != nil {
		return g, err
	}
	return s.rules.grant(t, keys)
}

// keysFor returns the keys that may have signed a token: those of the id that it names, or all if it
// names none, which are for its algorithm.
func (s *state) keysFor(h jose.Header) ([]key, error) {
	keys := slices.Concat(s.rules.keys, s.set)
	if len(keys) == 0 {
		return nil, NoKeys
	}
	keys = slices.DeleteFunc(keys, func(k key) bool { return h.KeyID != "" && k.id != "" && k.id != h.KeyID })
	if len(keys) == 0 {
		return nil, UnknownKey
	}
	keys = slices.DeleteFunc(keys, func(k key) bool { return string(k.alg) != h.Algorithm })
	if len(keys) == 0 {
		return nil, Algorithm
	}
	return keys, nil
}

// grant verifies the token and returns what its claims allow.
func (r *Rules) grant(t *jwt.JSONWebToken, keys []key) (g hub.Grant, err error) {
	var common jwt.Claims
	var own claims
	for _, k := range keys {
		if err = t.Claims(k.is, &common, &own); refusalOf(err) != Signature {
			break
		}
	}
	if err != nil {
		return g, refusalOf(err)
	}
	expected := jwt.Expected{Issuer: r.Issuer}
	if r.Audience != "" {
		expected.AnyAudience = jwt.Audience{r.Audience}
	}
	if err := common.ValidateWithLeeway(expected, leeway); err != nil {
		return g, refusalOf(err)
	}
	if common.Expiry == nil || own.PeerID != "" && !own.PeerID.Valid() {
		return g, Claims
	}
	return hub.Grant{Subject: subject(common), PeerID: own.PeerID, Networks: own.Networks, Hub: own.Hub}, nil
}

// subject tells subjects of different issuers apart, and from the digests of tokens.
func subject(c jwt.Claims) string {
	if c.Subject == "" {
		return ""
	}
	return strings.Join([]string{"jwt", c.Issuer, c.Subject}, "\x00")
}
