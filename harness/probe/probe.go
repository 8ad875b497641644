package probe

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// Probe is a page of numbers.
type Probe struct {
	Name string // "health", "metrics"
	URL  string
	// Read returns the present numbers.
	Read func(ctx context.Context) (map[string]float64, error)
}

// Discover returns the probes that a hub answers: /health and /metrics at the root of the host. base
// is the ws, wss, http or https URL of the hub, whose path and query do not matter. A page with
// another content is no probe, because the reference hub answers every unknown path. If there is
// no probe, the error has the reason for each page.
func (c Client) Discover(ctx context.Context, base string) ([]Probe, error) {
	root, err := rootOf(base)
	if err != nil {
		return nil, fmt.Errorf("probe: discover: %w", err)
	}
	var found []Probe
	var errs []error
	for _, page := range []struct {
		name string
		read func(ctx context.Context, url string) (map[string]float64, error)
	}{{"health", c.Health}, {"metrics", c.Metrics}} {
		at := root.JoinPath(page.name).String()
		if _, err := page.read(ctx, at); err != nil {
			errs = append(errs, err)
			continue
		}
		found = append(found, Probe{page.name, at, func(ctx context.Context) (map[string]float64, error) { return page.read(ctx, at) }})
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("probe: nothing answers at %s: %w", root.Redacted(), errors.Join(errs...))
	}
	return found, nil
}

// rootOf returns the HTTP URL of the root of a hub's host.
func rootOf(base string) (*url.URL, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "http", "https":
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	default:
		return nil, fmt.Errorf("%q: the scheme must be ws, wss, http or https", base)
	}
	return &url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}, nil
}
