package source

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Counters finds the statements that change the counters of a target. No line allocates for
// a counter that drifts and no path retains it, so these statements are the only evidence.
type Counters struct {
	Roots    map[string]any            // pointers to the state of the program, by name
	packages map[string]*sourcePackage // by import path; nil for one without source
}

// mostPlaces bounds the places of a kind in the detail of a finding.
const mostPlaces = 8

// Explain adds to a finding of a gauge where the source raises and lowers its field: the
// likeliest place as Born, the others in the detail. below means that the gauge ended below
// its baseline. A gauge that names no number in a root stays as it is.
func (c *Counters) Explain(f *verdict.Finding, below bool) {
	field, ok := c.field(f.Field)
	if !ok {
		return
	}
	pkg := c.load(field)
	if pkg == nil {
		return
	}
	p := pkg.places(pkg.largest(field), below)
	likely := slices.Concat(p.unbooked, p.lone, p.up)
	if below {
		likely = slices.Concat(p.unbooked, p.down)
	}
	if len(likely) > 0 {
		f.Born = likely[0]
	}
	f.Detail += ListPlaces("; counted up at ", p.up) + ListPlaces("; given back at ", p.down)
	f.Detail += ListPlaces("; "+p.companion+", which changes with it elsewhere, changes alone at ", p.unbooked)
	f.Detail += ListPlaces("; changes without "+p.companion+", which changes with it elsewhere, at ", p.lone)
	if p.stale {
		f.Detail += "; the source is not the one that was compiled, lines may differ"
	}
}

// ListPlaces returns prefix and the places after it, or "" if there are none.
func ListPlaces(prefix string, sites []verdict.Site) string {
	if len(sites) == 0 {
		return ""
	}
	var words []string
	for _, s := range sites[:min(len(sites), mostPlaces)] {
		place := filepath.Base(filepath.Dir(s.File)) + "/" + filepath.Base(s.File)
		words = append(words, fmt.Sprintf("%s:%d %s", place, s.Line, s.Function[strings.LastIndexByte(s.Function, '/')+1:]))
	}
	if more := len(sites) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	return prefix + strings.Join(words, ", ")
}

// load returns the package that declares a field, nil if its source is missing.
func (c *Counters) load(f fieldRef) *sourcePackage {
	path := f.owner.PkgPath()
	p, ok := c.packages[path]
	if !ok {
		var known []verdict.Site
		collectMethods(path, f.owner, map[reflect.Type]bool{}, &known)
		collectMethods(path, f.root, map[reflect.Type]bool{}, &known)
		p = readPackage(known)
		if c.packages == nil {
			c.packages = map[string]*sourcePackage{}
		}
		c.packages[path] = p
	}
	return p
}
