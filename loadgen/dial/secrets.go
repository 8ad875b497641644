package dial

import (
	"regexp"
	"slices"
	"strings"
)

// hidden replaces a secret in what is printed.
const hidden = "..."

// public lists the headers whose values are no secrets.
var public = []string{"Origin", "User-Agent", "Accept-Language", "Host"}

// HideHeader returns a header without its value, unless the value cannot be a secret.
func HideHeader(line string) string {
	name, _, ok := cutHeader(line)
	switch {
	case !ok:
		return hidden
	case slices.Contains(public, name):
		return line
	}
	return name + ": " + hidden
}

// HideCookie returns a cookie without its value.
func HideCookie(pair string) string {
	if name, _, ok := strings.Cut(pair, "="); ok {
		return name + "=" + hidden
	}
	return hidden
}

var (
	// user matches a token, or a name and a password, before the host of a URL.
	user = regexp.MustCompile(`(://)[^/?#@\s]*@`)
	// query matches a parameter of a URL whose name says that it is a secret.
	query = regexp.MustCompile(`(?i)([?&][a-z0-9_.-]*(?:token|secret|passw|password|auth|jwt|signature|api[_-]?key)[a-z0-9_.-]*=)[^&#\s]+`)
)

// HideURL returns a text without the secrets of the URLs in it: what precedes the host, and
// parameters whose names say that they are secrets.
func HideURL(text string) string {
	return query.ReplaceAllString(user.ReplaceAllString(text, "$1"), "${1}"+hidden)
}

// Hidden returns the options as they may be printed.
func (o Options) Hidden() Options {
	o.PEM = nil
	o.Headers, o.Cookies = slices.Clone(o.Headers), slices.Clone(o.Cookies)
	for i, h := range o.Headers {
		o.Headers[i] = HideHeader(h)
	}
	for i, c := range o.Cookies {
		o.Cookies[i] = HideCookie(c)
	}
	return o
}
