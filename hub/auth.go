package hub

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// AuthToken is a secret that lets a peer connect.
type AuthToken struct {
	Token   string
	Expires time.Time // from then on it lets no more peers in; zero is never
}

// auth decides who may connect and who may be a hub.
type auth struct {
	tokens  []secret // none: every peer may connect
	hubKey  secret
	origins []string // in lower case; nil allows all
	hubIDs  []wire.PeerID
}

// secret is the digest of a secret, so that the time of a comparison does not depend on its
// length.
type secret struct {
	sum     [sha256.Size]byte
	expires time.Time // zero is never
	set     bool
}

func newAuth(cfg Config) auth {
	a := auth{hubKey: newSecret(cfg.HubKey, time.Time{}), hubIDs: slices.Clone(cfg.HubPeerIDs)}
	if cfg.AuthToken != "" {
		a.tokens = append(a.tokens, newSecret(cfg.AuthToken, time.Time{}))
	}
	for _, t := range cfg.AuthTokens {
		a.tokens = append(a.tokens, newSecret(t.Token, t.Expires))
	}
	for _, o := range cfg.AllowedOrigins {
		if o == "*" {
			a.origins = nil
			break
		}
		a.origins = append(a.origins, strings.ToLower(o))
	}
	return a
}

func newSecret(text string, expires time.Time) secret {
	return secret{sha256.Sum256([]byte(text)), expires, text != ""}
}

// is reports whether the request carries the secret, and the secret has not expired.
func (s secret) is(given secret) bool {
	equal := subtle.ConstantTimeCompare(s.sum[:], given.sum[:]) == 1
	return s.set && equal && (s.expires.IsZero() || time.Now().Before(s.expires))
}

// carried returns the request's bearer token or, because browsers cannot set headers on
// a WebSocket, its query parameter "token".
func carried(r *http.Request, query url.Values) secret {
	given := query.Get("token")
	if scheme, rest, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		given = strings.TrimSpace(rest)
	}
	return newSecret(given, time.Time{})
}

// peerOK reports whether the request may connect: with a token that has not expired or
// HubKey, or if no token is configured.
func (a *auth) peerOK(r *http.Request, query url.Values) bool {
	if len(a.tokens) == 0 {
		return true
	}
	given := carried(r, query)
	return slices.ContainsFunc(a.tokens, func(t secret) bool { return t.is(given) }) || a.hubKey.is(given)
}

// hubOK reports whether the peer may be a hub.
func (a *auth) hubOK(r *http.Request, query url.Values, id wire.PeerID) bool {
	return a.hubKey.is(carried(r, query)) || slices.Contains(a.hubIDs, id)
}

// originOK reports whether a page of the request's origin may connect. Programs
// other than browsers send no Origin and may.
func (a *auth) originOK(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return a.origins == nil || origin == "" || slices.Contains(a.origins, strings.ToLower(origin))
}

// Authorized reports whether a request carries a token or HubKey, or whether no token is
// configured. It is for handlers that are served beside the hub.
func (h *Hub) Authorized(r *http.Request) bool { return h.policy().auth.peerOK(r, r.URL.Query()) }
