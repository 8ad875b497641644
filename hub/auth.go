package hub

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
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

// Grant is what a token allows its peer.
type Grant struct {
	Subject  string      // whose token it is, for Config.TokenSessions; "" means that each token counts alone
	PeerID   wire.PeerID // the one id that it is for; "" is for all
	Networks []string    // the networks that the peer may be in; nil is all. They do not bind a hub
	Hub      bool        // the peer may be a hub
}

// Why a request has no grant. What Config.Authorize returns is a reason, too.
var (
	errToken      = errors.New("the token is missing or wrong")
	errExpired    = errors.New("the token has expired")
	errTokensPeer = errors.New("the token is for another peer id")
)

// auth decides who may connect and what a peer may do.
type auth struct {
	open      bool // every peer may connect
	tokens    []secret
	authorize func(token string) (Grant, error)
	origins   []string // in lower case; nil allows all
	hubIDs    []wire.PeerID
}

// secret is the digest of a token, so that the time of a comparison does not depend on its
// length, and what the token allows.
type secret struct {
	sum     [sha256.Size]byte
	expires time.Time // zero is never
	grant   *Grant
}

func newAuth(cfg Config) auth {
	a := auth{authorize: cfg.Authorize, hubIDs: slices.Clone(cfg.HubPeerIDs)}
	a.add(AuthToken{Token: cfg.AuthToken}, false)
	for _, t := range cfg.AuthTokens {
		a.add(t, false)
	}
	a.open = len(a.tokens) == 0 && a.authorize == nil
	a.add(AuthToken{Token: cfg.HubKey}, true)
	for _, o := range cfg.AllowedOrigins {
		if o == "*" {
			a.origins = nil
			break
		}
		a.origins = append(a.origins, strings.ToLower(o))
	}
	return a
}

func (a *auth) add(t AuthToken, hub bool) {
	if t.Token != "" {
		sum := sha256.Sum256([]byte(t.Token))
		a.tokens = append(a.tokens, secret{sum, t.Expires, &Grant{Subject: string(sum[:]), Hub: hub}})
	}
}

// carried returns the request's bearer token or, because browsers cannot set headers on
// a WebSocket, its query parameter "token".
func carried(r *http.Request, query url.Values) string {
	if scheme, rest, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(rest)
	}
	return query.Get("token")
}

// grantOf returns what a token allows, nil if any peer may connect, or why it allows nothing.
func (a *auth) grantOf(token string) (*Grant, error) {
	sum, err := sha256.Sum256([]byte(token)), errToken
	for _, t := range a.tokens {
		if subtle.ConstantTimeCompare(t.sum[:], sum[:]) == 1 {
			if t.expires.IsZero() || time.Now().Before(t.expires) {
				return t.grant, nil
			}
			err = errExpired
		}
	}
	if a.open {
		return nil, nil
	}
	if a.authorize == nil || token == "" || err == errExpired {
		return nil, err
	}
	g, err := a.authorize(token)
	if g.Subject == "" {
		g.Subject = string(sum[:])
	}
	return &g, err
}

// grant returns what a request for a peer id may do, or why it may not connect.
func (a *auth) grant(r *http.Request, query url.Values, id wire.PeerID) (*Grant, error) {
	g, err := a.grantOf(carried(r, query))
	switch {
	case err != nil:
		return nil, err
	case g != nil && g.PeerID != "" && g.PeerID != id:
		return nil, errTokensPeer
	case slices.Contains(a.hubIDs, id) && (g == nil || g.Networks == nil): // ids are not secret, so they free no peer
		of := Grant{Hub: true}
		if g != nil {
			of.Subject = g.Subject
		}
		return &of, nil
	}
	return g, nil
}

func (s *session) mayBeHub() bool { return s.grant != nil && s.grant.Hub }

// mayUse reports whether the session may be in a network, or send to it.
func (s *session) mayUse(network string) bool {
	return s.grant == nil || s.grant.Networks == nil || s.grant.Hub || slices.Contains(s.grant.Networks, network)
}

// subject returns what Config.TokenSessions counts the session by.
func (s *session) subject() string {
	if s.grant == nil {
		return ""
	}
	return s.grant.Subject
}

// originOK reports whether a page of the request's origin may connect. Programs
// other than browsers send no Origin and may.
func (a *auth) originOK(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return a.origins == nil || origin == "" || slices.Contains(a.origins, strings.ToLower(origin))
}

// Authorized reports whether a request carries a token or HubKey, or whether every peer may
// connect. It is for handlers that are served beside the hub.
func (h *Hub) Authorized(r *http.Request) bool {
	_, err := h.policy().auth.grantOf(carried(r, r.URL.Query()))
	return err == nil
}
