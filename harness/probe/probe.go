package probe

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// Probe is something that can be read.
type Probe struct {
	Name string // "health", "metrics"
	URL  string
	// Read returns the numbers of this moment.
	Read func(ctx context.Context) (map[string]float64, error)
}

// Discover returns the probes that answer at a hub: /health and /metrics at the
// root of the host. The base is the ws, wss, http or https URL of the hub; its path
// and query do not matter. Where a page answers, but not with what it should, as
// the reference hub does at every path it does not know, there is no probe. If
// there is none at all, the error says why for each.
func Discover(ctx context.Context, base string) ([]Probe, error) {
	root, err := rootOf(base)
	if err != nil {
		return nil, fmt.Errorf("probe: discover: %w", err)
	}
	var found []Probe
	var errs []error
	for _, page := range []struct {
		name string
		read func(ctx context.Context, url string) (map[string]float64, error)
	}{{"health", Health}, {"metrics", Metrics}} {
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

// rootOf returns the root of the host of a hub's URL, for HTTP.
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
