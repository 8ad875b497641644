package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Limits of one page.
const (
	MaxBytes = 8 << 20
	longest  = 10 * time.Second
)

// ErrTooBig is returned for pages of more than MaxBytes, after decompression.
var ErrTooBig = errors.New("the page is larger than 8 MiB")

// Client reads pages. The zero value sends no further headers, and has the TLS options of the
// system.
type Client struct {
	Header http.Header // of each request, which may hold secrets
	TLS    *tls.Config
}

// get returns a page within 10 s. It closes the connection, because an idle one would count as a
// descriptor and two goroutines.
func (c Client) get(ctx context.Context, page, accept string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return nil, err
	}
	if c.Header != nil {
		req.Header, req.Host = c.Header.Clone(), c.Header.Get("Host")
	}
	req.Header.Set("Accept", accept)
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSClientConfig: c.TLS.Clone()}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: HTTP status %s", req.URL.Redacted(), resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", req.URL.Redacted(), err)
	case len(b) > MaxBytes:
		return nil, fmt.Errorf("%s: %w", req.URL.Redacted(), ErrTooBig)
	}
	return b, nil
}

// redacted returns a URL without its password.
func redacted(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return "an invalid URL"
	}
	return u.Redacted()
}
