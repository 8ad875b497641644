// Package source reads the source of a program for the statements that explain a finding
// of which nothing allocates: what changes a counter, inserts into a collection, or opens a
// descriptor.
//
//	counters := &source.Counters{Roots: map[string]any{"hub": hub}}
//	counters.Explain(&finding, false) // fills in Born and adds to Detail
//	source.ExplainInserts(roots, findings)
//
// It reads the files that the debug information names. Without them it adds nothing.
//
// counters.go, changes.go and places.go are about counters, inserts.go about collections,
// opens.go about system calls, literal.go about function literals; packages.go parses and
// type-checks the packages of the roots.
package source

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Counters finds the statements that change the counters of a target. A counter
// that drifts has no line that allocates and no path that retains: that somebody
// counts it up is all there is to say. It reads the source that the debug
// information names. Where that is not there, as beside a released binary, it says
// nothing.
type Counters struct {
	Roots    map[string]any             // pointers to the state of the program, by name
	packages map[string]*counterPackage // by import path; nil for one without source
}

// mostCounterPlaces is how many places of a kind the detail of a finding has.
const mostCounterPlaces = 8

// Explain adds to a finding of a gauge where its field is counted up and given
// back: the likeliest place as Born, the others in the detail. A gauge that is no
// number in a root stays as it is.
func (c *Counters) Explain(f *verdict.Finding, below bool) {
	field, ok := c.field(f.Field)
	if !ok {
		return
	}
	pkg := c.load(field)
	if pkg == nil {
		return
	}
	p := pkg.places(field, below)
	likely := slices.Concat(p.unbooked, p.up)
	if below {
		likely = slices.Concat(p.unbooked, p.down)
	}
	if len(likely) > 0 {
		f.Born = likely[0]
	}
	f.Detail += ListPlaces("; counted up at ", p.up) + ListPlaces("; given back at ", p.down)
	if len(p.unbooked) > 0 {
		f.Detail += ListPlaces("; "+p.companion+", which changes with it elsewhere, changes alone at ", p.unbooked)
	}
	if p.stale {
		f.Detail += "; the source is not the one that was compiled, lines may differ"
	}
}

// ListPlaces returns what and the places after it, or "" if there are none.
func ListPlaces(what string, sites []verdict.Site) string {
	if len(sites) == 0 {
		return ""
	}
	var words []string
	for _, s := range sites[:min(len(sites), mostCounterPlaces)] {
		place := filepath.Base(filepath.Dir(s.File)) + "/" + filepath.Base(s.File)
		words = append(words, fmt.Sprintf("%s:%d %s", place, s.Line, s.Function[strings.LastIndexByte(s.Function, '/')+1:]))
	}
	if more := len(sites) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	return what + strings.Join(words, ", ")
}

// counterField is a number in a struct.
type counterField struct {
	root, owner reflect.Type
	name        string
}

// field finds the field that a gauge is named after: the type or the name of a
// root, then fields.
func (c *Counters) field(gauge string) (counterField, bool) {
	for _, name := range slices.Sorted(maps.Keys(c.Roots)) {
		root := structOf(reflect.TypeOf(c.Roots[name]))
		if root == nil {
			continue
		}
		for _, prefix := range []string{root.String(), name} {
			path, ok := strings.CutPrefix(gauge, prefix+".")
			if !ok {
				continue
			}
			if f, ok := counterIn(root, path); ok {
				f.root = root
				return f, true
			}
		}
	}
	return counterField{}, false
}

// structOf returns the struct that a type is or points to, or nil.
func structOf(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

// counterIn follows fields to a number. A struct with one number in it stands for
// that.
func counterIn(t reflect.Type, path string) (counterField, bool) {
	name, rest, more := strings.Cut(path, ".")
	f, ok := t.FieldByName(name)
	if !ok {
		return counterField{}, false
	}
	for _, i := range f.Index[:len(f.Index)-1] { // it is an embedded struct's
		t = structOf(t.Field(i).Type)
	}
	in := structOf(f.Type)
	switch {
	case !more && isCounter(f.Type):
		return counterField{owner: t, name: name}, t.Name() != ""
	case in == nil:
		return counterField{}, false
	case more:
		return counterIn(in, rest)
	}
	only := ""
	for i := range in.NumField() {
		if !isCounter(in.Field(i).Type) {
			continue
		}
		if only != "" {
			return counterField{}, false
		}
		only = in.Field(i).Name
	}
	return counterField{owner: in, name: only}, only != "" && in.Name() != ""
}

// isCounter reports whether a type is a number, an atomic one too.
func isCounter(t reflect.Type) bool {
	if t.PkgPath() == "sync/atomic" {
		return strings.HasPrefix(t.Name(), "Int") || strings.HasPrefix(t.Name(), "Uint")
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return true
	}
	return false
}

// load reads the package of a field.
func (c *Counters) load(f counterField) *counterPackage {
	path := f.owner.PkgPath()
	p, ok := c.packages[path]
	if !ok {
		var known []verdict.Site
		methodsIn(path, f.owner, map[reflect.Type]bool{}, &known)
		methodsIn(path, f.root, map[reflect.Type]bool{}, &known)
		p = readCounterPackage(known)
		if c.packages == nil {
			c.packages = map[string]*counterPackage{}
		}
		c.packages[path] = p
	}
	return p
}

// methodsIn collects the exported methods of a type, and of those its fields lead
// to, that are declared in a package. They are what the running program tells of
// where its source is.
func methodsIn(path string, t reflect.Type, seen map[reflect.Type]bool, known *[]verdict.Site) {
	if t == nil || seen[t] {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Chan, reflect.Map:
		methodsIn(path, t.Elem(), seen, known)
		return
	case reflect.Struct:
	default:
		return
	}
	if t.PkgPath() != path && t.PkgPath() != "" {
		return
	}
	for _, t := range []reflect.Type{t, reflect.PointerTo(t)} {
		for i := range t.NumMethod() {
			fn := runtime.FuncForPC(t.Method(i).Func.Pointer())
			if fn == nil || stack.PackageOf(fn.Name()) != path {
				continue
			}
			file, line := fn.FileLine(fn.Entry())
			if filepath.IsAbs(file) { // not one that the compiler made up, and not trimmed
				*known = append(*known, verdict.Site{Function: fn.Name(), File: file, Line: line})
			}
		}
	}
	for i := range t.NumField() {
		methodsIn(path, t.Field(i).Type, seen, known)
	}
}
