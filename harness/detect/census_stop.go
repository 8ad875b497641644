package detect

import (
	"container/list"
	"reflect"
	"sync"

	"github.com/pigeonhub/pigeonhub/harness/stack"
)

// stopPackages hold no state of the target: tables, caches, the runtime and test frameworks,
// or, behind loggers, state that is not the target's.
var stopPackages = []string{
	"reflect", "internal", "runtime", "testing", "log", "log/slog", "time", "unicode", "regexp", "math",
	"os", "syscall", "net/netip", "net/url", "text", "html", "go", "hash", "compress", "encoding", "crypto",
}

// isLibrary reports whether the walk reads a type by its methods.
func isLibrary(t reflect.Type) bool {
	return t == reflect.TypeFor[sync.Map]() || t == reflect.TypeFor[list.List]()
}

// stops reports whether the walk does not enter a type.
func (w *censusWalk) stops(t reflect.Type) bool {
	if t == reflect.TypeFor[sync.Pool]() || w.stop != nil && w.stop(t) {
		return true
	}
	// A map or slice of these packages (url.Values, json.RawMessage) holds the target's state.
	return t.Kind() == reflect.Struct && t.PkgPath() != "" && stack.InPackages(t.PkgPath()+".", stopPackages)
}

// leadsOn reports whether a value of the type can lead to a collection. In a recursive type
// the pointer back counts as one that does.
func (w *censusWalk) leadsOn(t reflect.Type) bool {
	if known, ok := w.leads[t]; ok {
		return known
	}
	w.leads[t] = true // for the pointer back in a recursive type
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
