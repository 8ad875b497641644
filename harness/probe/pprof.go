package probe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Pprof reads the profiles of a Go process at the URL of the index of net/http/pprof
// (".../debug/pprof"). It makes the process collect twice first, which takes the process time.
//
//	heap_live_bytes    bytes of reachable objects
//	heap_live_objects  reachable objects
//	collections        GCs so far
//	goroutines         with the one that serves the page
func (c Client) Pprof(ctx context.Context, url string) (map[string]float64, error) {
	url = strings.TrimSuffix(url, "/")
	var page []byte
	for range 2 { // the second one frees what finalizers and pools held
		var err error
		if page, err = c.get(ctx, url+"/heap?gc=1&debug=1", "text/plain"); err != nil {
			return nil, fmt.Errorf("probe: pprof: %w", err)
		}
	}
	reading, err := parseHeap(page)
	if err != nil {
		return nil, fmt.Errorf("probe: pprof: %s: %w", redacted(url), err)
	}
	if page, err = c.get(ctx, url+"/goroutine?debug=1", "text/plain"); err != nil {
		return nil, fmt.Errorf("probe: pprof: %w", err)
	}
	n, err := parseGoroutines(page)
	if err != nil {
		return nil, fmt.Errorf("probe: pprof: %s: %w", redacted(url), err)
	}
	reading["goroutines"] = n
	return reading, nil
}

// Profile returns a profile by its name, "heap" or "goroutine", in the format of pprof. url is that
// of Pprof. The process collects before it writes a heap profile.
func (c Client) Profile(ctx context.Context, url, name string) ([]byte, error) {
	b, err := c.get(ctx, strings.TrimSuffix(url, "/")+"/"+name+"?gc=1", "application/octet-stream")
	if err != nil {
		return nil, fmt.Errorf("probe: profile: %w", err)
	}
	return b, nil
}

// LeakedGoroutines reads how many goroutines are blocked for ever, as the runtime can prove. url is
// that of Pprof. In Go 1.26 only processes built with GOEXPERIMENT=goroutineleakprofile have the
// page.
func (c Client) LeakedGoroutines(ctx context.Context, url string) (float64, error) {
	page, err := c.get(ctx, strings.TrimSuffix(url, "/")+"/goroutineleak?debug=1", "text/plain")
	if err != nil {
		return 0, fmt.Errorf("probe: pprof: %w", err)
	}
	return parseGoroutines(page)
}

// DiscoverPprof returns the probe of the profiles at /debug/pprof of the host of a URL. Each
// reading makes the process collect. If the process has a page of leaked goroutines, readings
// have goroutines_leaked.
func (c Client) DiscoverPprof(ctx context.Context, base string) (Probe, error) {
	root, err := rootOf(base)
	if err != nil {
		return Probe{}, fmt.Errorf("probe: discover pprof: %w", err)
	}
	at := root.JoinPath("debug", "pprof").String()
	if _, err := c.Pprof(ctx, at); err != nil {
		return Probe{}, err
	}
	p := Probe{"pprof", at, func(ctx context.Context) (map[string]float64, error) { return c.Pprof(ctx, at) }}
	if _, err := c.LeakedGoroutines(ctx, at); err != nil {
		return p, nil
	}
	p.Read = func(ctx context.Context) (map[string]float64, error) {
		reading, err := c.Pprof(ctx, at)
		if err == nil {
			reading["goroutines_leaked"], err = c.LeakedGoroutines(ctx, at)
		}
		return reading, err
	}
	return p, nil
}

// parseHeap reads the lines like "# HeapAlloc = 1234" at the end of a heap profile.
func parseHeap(page []byte) (map[string]float64, error) {
	stats := map[string]float64{}
	lines := bufio.NewScanner(bytes.NewReader(page))
	lines.Buffer(nil, MaxBytes)
	for lines.Scan() {
		name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "# "), " = ")
		if n, err := strconv.ParseFloat(value, 64); ok && err == nil {
			stats[name] = n
		}
	}
	for _, name := range []string{"HeapAlloc", "Mallocs", "Frees", "NumGC"} {
		if _, ok := stats[name]; !ok {
			return nil, fmt.Errorf("no %s in the heap profile", name)
		}
	}
	return map[string]float64{"heap_live_bytes": stats["HeapAlloc"], "heap_live_objects": stats["Mallocs"] - stats["Frees"],
		"collections": stats["NumGC"]}, nil
}

var goroutineTotal = regexp.MustCompile(`^goroutine(?:leak)? profile: total (\d+)`)

func parseGoroutines(page []byte) (float64, error) {
	m := goroutineTotal.FindSubmatch(page)
	if m == nil {
		return 0, errors.New("no total in the goroutine profile")
	}
	return strconv.ParseFloat(string(m[1]), 64)
}
