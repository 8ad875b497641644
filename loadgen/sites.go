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

// places are those in the code of a Go process, and how much there is of each, as its
// profiles tell.
type sites struct {
	heap, goroutines map[site]amount
}

// place is where something was made, and the nearest caller that is not of the
// standard library.
type site struct{ born, caller verdict.Site }

// amount is how much of a place there is.
type amount struct {
	count, bytes float64
	sampled      float64 // things that the profile saw; it estimates the rest
}

// readSites reads them where net/http/pprof serves its list.
func readSites(ctx context.Context, url string) (*sites, error) {
	var p sites
	for _, of := range []struct {
		name string
		at   func(*pprof.Profile) map[site]amount
		to   *map[site]amount
	}{{"heap", heapSites, &p.heap}, {"goroutine", goroutineSites, &p.goroutines}} {
		b, err := probe.Profile(ctx, url, of.name)
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

// heapSites are what is in use, by where it was allocated.
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
		// An object of the size x is sampled with the probability 1-exp(-x/rate), by which
		// the profile has divided.
		seen := count * -math.Expm1(-bytes/count/rate)
		all[at] = amount{was.count + count, was.bytes + bytes, was.sampled + seen}
	}
	return all
}

// goroutineSites are the goroutines, by the outermost function of each that is not of
// the standard library, or else by the one that it is there to run.
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

// frame is a line of a stack.
type frame struct {
	site     verdict.Site
	standard bool // of the standard library
}

// framesOf are the lines of a stack, the innermost first, without the runtime's.
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

// siteOf is where a stack begins.
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

// isStandard reports whether a function is of the standard library: its package has no
// domain, and its file is where the package's name says, in whatever root. Files of
// modules have a version, or are elsewhere.
func isStandard(function, file string) bool {
	dir, name := path.Split(function)
	pkg, _, _ := strings.Cut(name, ".")
	pkg = dir + pkg
	first, _, _ := strings.Cut(pkg, "/")
	return pkg != "main" && !strings.Contains(first, ".") && strings.HasSuffix("/"+file, "/"+pkg+"/"+path.Base(file))
}

// maxSites is how many places of growth are told.
const maxSites = 3

// grown are the places that there is more of, beyond what sampling makes of nothing,
// the most first, per 1,000 of so many peers.
func grown(before, after map[site]amount, peers float64) []verdict.Grown {
	var list []verdict.Grown
	for at, now := range after {
		was := before[at]
		more := now.sampled - was.sampled
		// Counts of samples scatter like a Poisson's.
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

// What growth of a place must have to be told. It explains a leak that was found
// otherwise, so it need not be proof.
const (
	leastSamples = 3
	sigmas       = 1.7
)
