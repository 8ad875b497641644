package hub

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// auth decides who may connect and who may be a hub.
type auth struct {
	token, hubKey *[sha256.Size]byte // nil: not configured
	origins       []string           // in lower case; nil allows all
	hubIDs        []wire.PeerID
}

func newAuth(cfg Config) auth {
	a := auth{token: digest(cfg.AuthToken), hubKey: digest(cfg.HubKey), hubIDs: slices.Clone(cfg.HubPeerIDs)}
	for _, o := range cfg.AllowedOrigins {
		if o == "*" {
			a.origins = nil
			break
		}
		a.origins = append(a.origins, strings.ToLower(o))
	}
	return a
}

func digest(secret string) *[sha256.Size]byte {
	if secret == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(secret))
	return &sum
}

// carriesSecret reports whether the request has the secret as its bearer token or,
// because browsers cannot set headers on a WebSocket, as query parameter "token".
// It compares digests, so that the time does not depend on the secret's length.
func carriesSecret(r *http.Request, query url.Values, secret *[sha256.Size]byte) bool {
	given := query.Get("token")
	if scheme, rest, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		given = strings.TrimSpace(rest)
	}
	sum := sha256.Sum256([]byte(given))
	return secret != nil && subtle.ConstantTimeCompare(sum[:], secret[:]) == 1
}

// peerOK reports whether the request may connect: with AuthToken or HubKey, or if
// no token is configured.
func (a *auth) peerOK(r *http.Request, query url.Values) bool {
	return a.token == nil || carriesSecret(r, query, a.token) || carriesSecret(r, query, a.hubKey)
}

// hubOK reports whether the peer may be a hub.
func (a *auth) hubOK(r *http.Request, query url.Values, id wire.PeerID) bool {
	return carriesSecret(r, query, a.hubKey) || slices.Contains(a.hubIDs, id)
}

// originOK reports whether a page of the request's origin may connect. Programs
// other than browsers send no Origin and may.
func (a *auth) originOK(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return a.origins == nil || origin == "" || slices.Contains(a.origins, strings.ToLower(origin))
}

// Authorized reports whether a request carries AuthToken or HubKey, or whether no
// token is configured. It is for handlers that are served beside the hub.
func (h *Hub) Authorized(r *http.Request) bool { return h.auth.peerOK(r, r.URL.Query()) }
