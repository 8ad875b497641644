package detect

import (
	"container/list"
	"reflect"
	"sync"

	"github.com/pigeonhub/pigeonhub/harness/stack"
)

// stopPackages hold no state of the target's: tables, caches and the machinery of
// the runtime and of tests, or (loggers) what is beyond the target.
var stopPackages = []string{
	"reflect", "internal", "runtime", "testing", "log", "log/slog", "time", "unicode", "regexp", "math",
	"os", "syscall", "net/netip", "net/url", "text", "html", "go", "hash", "compress", "encoding", "crypto",
}

// isLibrary reports whether a type is read by its methods.
func isLibrary(t reflect.Type) bool {
	return t == reflect.TypeFor[sync.Map]() || t == reflect.TypeFor[list.List]()
}

// stops reports whether a type is not looked into.
func (w *censusWalk) stops(t reflect.Type) bool {
	if t == reflect.TypeFor[sync.Pool]() || w.stop != nil && w.stop(t) {
		return true
	}
	// A map or slice of such a type (url.Values, json.RawMessage) is the target's.
	return t.Kind() == reflect.Struct && t.PkgPath() != "" && stack.InPackages(t.PkgPath()+".", stopPackages)
}

// leadsOn reports whether a collection can be reached by a value of the type. A
// pointer counts as if it did where looking behind it would not end.
func (w *censusWalk) leadsOn(t reflect.Type) bool {
	if known, ok := w.leads[t]; ok {
		return known
	}
	w.leads[t] = true // what a recursive type meets on the way back
	leads := isLibrary(t)
	switch t.Kind() {
	case reflect.Map, reflect.Slice, reflect.Chan, reflect.Interface:
		leads = true
	case reflect.Pointer:
		leads = w.leadsOn(t.Elem())
	case reflect.Array:
		leads = t.Len() > 0 && w.leadsOn(t.Elem())
	case reflect.Struct:
		leads = leads || t.PkgPath() == "sync/atomic" && t.NumField() > 0 && t.Field(0).Type.Kind() == reflect.Array
		for i := 0; i < t.NumField() && !leads; i++ {
			leads = w.leadsOn(t.Field(i).Type)
		}
	}
	w.leads[t] = leads && !w.stops(t)
	return w.leads[t]
}
