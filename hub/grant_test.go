package hub_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// authorizer returns a Config.Authorize that knows some tokens.
func authorizer(grants map[string]hub.Grant) func(string) (hub.Grant, error) {
	return func(token string) (hub.Grant, error) {
		if g, ok := grants[token]; ok {
			return g, nil
		}
		return hub.Grant{}, errors.New("it is forged")
	}
}

// Authorize decides about tokens that are not listed, and only about those. Its error goes to the
// client.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{AuthToken: "listed", Authorize: authorizer(map[string]hub.Grant{
		"known": {}, "bound": {PeerID: digits("a")},
	})})
	w.connectWith(bearer("listed"))
	w.connectWith(bearer("known"))
	w.at("/?token=bound").connect("bound", digits("a"))
	for token, description := range map[string]string{"": "", "other": "it is forged", "bound": "the token is for another peer id"} {
		want := "Bearer"
		if description != "" {
			want += ` error="invalid_token", error_description="` + description + `"`
		}
		resp := w.wantStatus("&token="+token, nil, http.StatusUnauthorized)
		if got := resp.Header.Get("WWW-Authenticate"); got != want {
			t.Errorf("%q: WWW-Authenticate is %s, want %s", token, got, want)
		}
	}
	if n := w.hub.Stats().RefusedHTTP["unauthorized"]; n != 3 {
		t.Errorf("%d requests were refused as unauthorized, want 3", n)
	}
}

// A peer whose token names networks can be in no other, sends to no other and hears of no other,
// not even of the one that peers are in before they announce.
func TestTokenNamesNetworks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{HubPeerIDs: []wire.PeerID{digits("a")}, Authorize: authorizer(map[string]hub.Grant{
		"any": {}, "n": {Networks: []string{"n"}}, "none": {Networks: []string{}}, "hub": {Networks: []string{"n"}, Hub: true},
	})})
	open := w.at("/?token=any").connect("open", "")
	bound := w.at("/?token=n").connect("bound", digits("a")) // a hub's id frees no peer
	none := w.at("/?token=none").connect("none", "")
	for _, pair := range [][2]*peer{{bound, open}, {open, bound}, {none, open}} {
		pair[0].Signal(wire.KindOffer, pair[1].ID(), wire.DefaultNetwork, []byte(`{}`))
		pair[0].fence()
		pair[1].wantNothing()
	}
	for _, name := range []string{"m", wire.DefaultNetwork} {
		bound.Announce(name, nil)
		if m := bound.want("error"); !strings.Contains(m.Error, name) {
			t.Errorf("an announce into %s got %+v", name, m)
		}
	}
	bound.Announce("n", map[string]any{"isHub": true})
	bound.fence()
	w.wantStats(3, 1, 1, 0)
	open.announce("n")
	bound.want("peer-discovered")
	w.at("/?token=hub").connect("hub", "").announce(wire.DefaultMeshNamespace)
	w.wantStats(4, 3, 2, 1)
	if st := w.hub.Stats(); st.Dropped["network_denied"] != 2 || st.Dropped["other_network"] != 3 {
		t.Errorf("%d announces were denied and %d signals dropped, want 2 and 3", st.Dropped["network_denied"], st.Dropped["other_network"])
	}
}

// Sessions are counted by their token, or by its subject, and places are given back.
func TestSessionsOfAToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{TokenSessions: 2, AuthToken: "listed", Authorize: authorizer(map[string]hub.Grant{
		"first": {Subject: "alice"}, "second": {Subject: "alice"}, "third": {},
	})})
	alice := w.connectWith(bearer("first"))
	for _, token := range []string{"second", "listed", "listed", "third"} {
		w.connectWith(bearer(token))
	}
	for _, token := range []string{"first", "second", "listed"} {
		w.wantStatus("", bearer(token), http.StatusTooManyRequests)
	}
	if st := w.hub.Stats(); st.Subjects != 3 || st.RefusedHTTP["token"] != 3 {
		t.Errorf("%d subjects, %d refused, want 3 and 3", st.Subjects, st.RefusedHTTP["token"])
	}
	alice.Close()
	w.wantSessions(4)
	w.connectWith(bearer("second"))
	w.reconfigure(hub.Config{AuthToken: "listed"})
	w.connectWith(bearer("listed"))
}

// A network takes no more members than it may have. Its members may announce again, and a peer that
// is refused stays where it was.
func TestNetworkIsFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{NetworkSessions: 2})
	alice := w.join("alice", "n")
	w.join("bob", "n")
	carol := w.join("carol", "m")
	carol.Announce("n", nil)
	carol.want("error")
	alice.announce("n")
	w.wantStats(3, 3, 2, 0)
	alice.Close()
	w.wantStats(2, 2, 2, 0)
	carol.announce("n")
	w.wantStats(2, 2, 1, 0)
	if n := w.hub.Stats().Dropped["network_full"]; n != 1 {
		t.Errorf("%d announces were refused, want 1", n)
	}
}
