package loadgen

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	pprof "github.com/google/pprof/profile"

	"github.com/pigeonhub/pigeonhub/harness/probe"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// sites holds the sites in the code of a Go process, each with its count, as profiles show
// them.
type sites struct {
	heap, goroutines map[site]amount
}

// site is where something was created, and its nearest caller outside the standard library.
type site struct{ born, caller verdict.Site }

// amount is how much there is of a site.
type amount struct {
	count, bytes float64
	sampled      float64 // objects in the profile; the rest is estimated from them
}

// readSites reads the heap and goroutine profiles of net/http/pprof. url is that of their index.
func readSites(ctx context.Context, pages probe.Client, url string) (*sites, error) {
	var p sites
	for _, of := range []struct {
		name string
		at   func(*pprof.Profile) map[site]amount
		to   *map[site]amount
	}{{"heap", heapSites, &p.heap}, {"goroutine", goroutineSites, &p.goroutines}} {
		b, err := pages.Profile(ctx, url, of.name)
		if err != nil {
			return nil, err
		}
		parsed, err := pprof.ParseData(b)
		if err != nil {
			return nil, fmt.Errorf("profile %s: %w", of.name, err)
		}
		*of.to = of.at(parsed)
	}
	return &p, nil
}

// heapSites returns the live heap by the site of the allocation.
func heapSites(p *pprof.Profile) map[site]amount {
	objects, space := valueOf(p, "inuse_objects"), valueOf(p, "inuse_space")
	all := map[site]amount{}
	if objects < 0 || space < 0 {
		return all
	}
	rate := math.Max(1, float64(p.Period)) // bytes
	for _, s := range p.Sample {
		count, bytes := float64(s.Value[objects]), float64(s.Value[space])
		if count <= 0 {
			continue
		}
		at := siteOf(s)
		was := all[at]
		// An object of size x is sampled with the probability 1-exp(-x/rate). The profile has
		// divided by it.
		seen := count * -math.Expm1(-bytes/count/rate)
		all[at] = amount{was.count + count, was.bytes + bytes, was.sampled + seen}
	}
	return all
}

// goroutineSites returns the goroutines by the outermost function outside the standard
// library, or else by their first function.
func goroutineSites(p *pprof.Profile) map[site]amount {
	all := map[site]amount{}
	for _, s := range p.Sample {
		frames := framesOf(s)
		if len(frames) == 0 || len(s.Value) == 0 {
			continue
		}
		at := len(frames) - 1
		for i, f := range frames {
			if !f.standard {
				at = i
			}
		}
		k := site{born: frames[at].site}
		was, n := all[k], float64(s.Value[0])
		all[k] = amount{count: was.count + n, sampled: was.sampled + n}
	}
	return all
}

func valueOf(p *pprof.Profile, name string) int {
	return slices.IndexFunc(p.SampleType, func(t *pprof.ValueType) bool { return t.Type == name })
}

// frame is one line of a stack.
type frame struct {
	site     verdict.Site
	standard bool // it belongs to the standard library
}

// framesOf returns the lines of a stack without those of the runtime, the innermost first.
func framesOf(s *pprof.Sample) []frame {
	var list []frame
	for _, l := range s.Location {
		for _, line := range l.Line {
			f := line.Function
			if f == nil || strings.HasPrefix(f.Name, "runtime.") || strings.HasPrefix(f.Name, "internal/runtime/") {
				continue
			}
			list = append(list, frame{verdict.Site{Function: f.Name, File: f.Filename, Line: int(line.Line)}, isStandard(f.Name, f.Filename)})
		}
	}
	return list
}

// siteOf returns the site of a stack.
func siteOf(s *pprof.Sample) site {
	frames := framesOf(s)
	if len(frames) == 0 {
		return site{}
	}
	at := site{born: frames[0].site}
	if !frames[0].standard {
		return at
	}
	if i := slices.IndexFunc(frames, func(f frame) bool { return !f.standard }); i >= 0 {
		at.caller = frames[i].site
	}
	return at
}

// isStandard reports whether a function belongs to the standard library: its package path
// has no domain, and its file is at that path below some root. Files of modules have a
// version in their path, or are elsewhere.
func isStandard(function, file string) bool {
	dir, name := path.Split(function)
	pkg, _, _ := strings.Cut(name, ".")
	pkg = dir + pkg
	first, _, _ := strings.Cut(pkg, "/")
	return pkg != "main" && !strings.Contains(first, ".") && strings.HasSuffix("/"+file, "/"+pkg+"/"+path.Base(file))
}

// maxSites bounds the sites that are reported.
const maxSites = 3

// grown returns the sites whose live count rose by more than sampling noise, largest first,
// per 1,000 peers.
func grown(before, after map[site]amount, peers float64) []verdict.Grown {
	var list []verdict.Grown
	for at, now := range after {
		was := before[at]
		more := now.sampled - was.sampled
		// Counts of samples have a Poisson distribution.
		if more < leastSamples || more < sigmas*math.Sqrt(now.sampled+was.sampled) {
			continue
		}
		list = append(list, verdict.Grown{Born: at.born, Caller: at.caller,
			Count: (now.count - was.count) / peers * 1000, Bytes: (now.bytes - was.bytes) / peers * 1000})
	}
	slices.SortFunc(list, func(a, b verdict.Grown) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Born.String(), b.Born.String()))
	})
	return list[:min(len(list), maxSites)]
}

// The least growth of a site that is reported. It explains a leak that was found otherwise,
// so it need not be a proof.
const (
	leastSamples = 3
	sigmas       = 1.7
)
