package export

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/dial"
)

const (
	pushTimeout = 10 * time.Second // of one push, unless a variable says another
	maxAnswer   = 4096             // bytes of an answer that are read
)

// job is the name of the program for receivers.
const job = "loadgen"

// receiverURL checks the URL of a receiver. The errors do not show it, because it may hold a
// password.
func receiverURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("it cannot be parsed as a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%.60q is no URL of a receiver, which begins with http:// or https://", dial.HideURL(address))
	case u.Host == "":
		return nil, fmt.Errorf("%.60q names no host", dial.HideURL(address))
	}
	return u, nil
}

// ParseHeader parses a header of pushes, written as 'Name: value'. The error does not show the value.
func ParseHeader(line string) (name, value string, err error) {
	name, value, ok := strings.Cut(line, ":")
	if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t\r\n=") {
		return "", "", errors.New("a header is written as 'Name: value'")
	}
	if value = strings.TrimSpace(value); strings.ContainsAny(value, "\r\n\x00") {
		return "", "", fmt.Errorf("the value of the header %.40q has a line break", name)
	}
	return textproto.CanonicalMIMEHeaderKey(name), value, nil
}

// newClient returns a client that adds headers to each request. It follows no redirect, because
// that would make another request of a POST. pool is nil for the authorities of the system.
func newClient(headers http.Header, pool *x509.CertPool) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if pool != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{
		Transport:     &transport{t, headers},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transport adds headers to requests, and bounds what is read of answers.
type transport struct {
	*http.Transport
	headers http.Header
}

// RoundTrip makes a request.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, values := range t.headers {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", job)
	a, err := t.Transport.RoundTrip(r)
	if err == nil {
		a.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(a.Body, maxAnswer), a.Body}
	}
	return a, err
}

// shortened returns an error without the secrets of URLs, in one line and not too long.
func shortened(err error) string {
	text := strings.Join(strings.Fields(dial.HideURL(err.Error())), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "..."
	}
	return text
}
