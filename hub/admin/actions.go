package admin

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// longestForm bounds the form of an action, in bytes.
const longestForm = 4 << 10

// disconnect closes the session of the peer that the form names.
func (o *operator) disconnect(w http.ResponseWriter, r *http.Request) {
	if !o.mayAct(w, r) {
		return
	}
	id := wire.PeerID(r.PostFormValue("peer"))
	if !id.Valid() {
		o.refuse(w, r, http.StatusBadRequest, "The field peer is no peer id.")
		return
	}
	if !o.hub.Disconnect(id) {
		o.refuse(w, r, http.StatusNotFound, "This peer is not connected.")
		return
	}
	o.note(r, "done", "peer", string(id))
	http.Redirect(w, r, "/peers/"+string(id), http.StatusSeeOther)
}

// drainHub ends the program as SIGTERM does.
func (o *operator) drainHub(w http.ResponseWriter, r *http.Request) {
	if !o.mayAct(w, r) {
		return
	}
	switch {
	case o.drain == nil:
		o.refuse(w, r, http.StatusNotFound, "This program cannot be drained from here.")
	case r.PostFormValue("sure") == "":
		o.refuse(w, r, http.StatusBadRequest, "Confirm that all peers are to be sent away.")
	default:
		o.note(r, "done")
		http.Redirect(w, r, "/", http.StatusSeeOther)
		o.drain()
	}
}

// mayAct reports whether a request may act, and answers it if not. It needs the operator's token.
// A browser adds that by itself, so the request must come from these pages, too: from their
// origin, and, unless it has the token as bearer token, which no browser adds, with their key.
func (o *operator) mayAct(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, longestForm)
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case !authorized(r):
		o.refuse(w, r, http.StatusForbidden, "Actions need a token: set admin-token.")
	case o.origin.Check(r) != nil:
		o.refuse(w, r, http.StatusForbidden, "Another page has sent this form.")
	case r.ParseForm() != nil:
		o.refuse(w, r, http.StatusBadRequest, "The form cannot be read.")
	case !strings.EqualFold(scheme, "bearer") && subtle.ConstantTimeCompare([]byte(r.PostFormValue("key")), []byte(o.formKey)) != 1:
		o.refuse(w, r, http.StatusForbidden, "This form is not of this page, or the hub has been restarted: load the page again.")
	default:
		return true
	}
	return false
}

func (o *operator) refuse(w http.ResponseWriter, r *http.Request, status int, text string) {
	o.note(r, "refused", "why", text)
	http.Error(w, text, status)
}

// note logs what an operator asked for.
func (o *operator) note(r *http.Request, result string, more ...any) {
	user, _, _ := r.BasicAuth()
	o.hub.Config().Logger.Warn("operator action", append([]any{
		"action", strings.TrimPrefix(r.URL.Path, "/"), "result", result, "address", r.RemoteAddr, "user", foreignText(user),
	}, more...)...)
}

// authorizedKey is the context key of requests that RequireToken let pass for their token.
type authorizedKey struct{}

// withToken marks a request as one that has the operator's token.
func withToken(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), authorizedKey{}, true))
}

func authorized(r *http.Request) bool { return r.Context().Value(authorizedKey{}) != nil }
