package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// RequireToken protects the pages of Private on a listener that other machines can reach. It passes
// a request to next if that has the operator's token, as bearer token or as the password of any
// user, for which browsers ask. Requests for /livez and /readyz need no token. token is called for
// each request; while it returns "", all other pages answer 403. The pages of Private act only for requests that come through
// here with the token.
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
			next.ServeHTTP(w, withToken(r))
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
