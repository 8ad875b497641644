package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// RequireToken asks for the operator's token before it passes a request on, except for /livez and
// /readyz. A request carries it as bearer token, or as password of any user, which browsers ask
// for. A token of "" is none: then the pages are refused. It is for a handler of Private whose
// listener other machines can reach. token is called for each request.
func RequireToken(next http.Handler, token func() string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := token()
		switch {
		case r.URL.Path == "/livez", r.URL.Path == "/readyz":
			next.ServeHTTP(w, r)
		case want == "":
			http.Error(w, "Other machines can reach this page, and no token for it is configured.", http.StatusForbidden)
		case foreign(r): // the browser adds the password by itself
			http.Error(w, "This page cannot be requested by other pages.", http.StatusForbidden)
		case !carriesToken(r, want):
			w.Header()["Www-Authenticate"] = []string{`Basic realm="PigeonHub: any user, the token as password"`, "Bearer"}
			http.Error(w, "unauthorized", http.StatusUnauthorized)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// carriesToken compares in a time that does not depend on what is carried.
func carriesToken(r *http.Request, want string) bool {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if _, password, ok := r.BasicAuth(); ok {
		given = password
	} else if !strings.EqualFold(scheme, "bearer") {
		return false
	}
	a, b := sha256.Sum256([]byte(strings.TrimSpace(given))), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
