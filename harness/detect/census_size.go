package detect

import (
	"reflect"
	"strings"
)

// Size is the total of the collections of one path.
type Size struct {
	Collections int64
	Labels      map[string]int64 // keys by scenario, if Census.Label is set
	Len, Cap    int64            // a map has no capacity
}

func (w *censusWalk) add(path string, n, capacity int) {
	s := w.sizes[path]
	s.Collections, s.Len, s.Cap = s.Collections+1, s.Len+int64(n), s.Cap+int64(capacity)
	w.sizes[path] = s
}

// labels counts the keys of a map, or the strings in a slice, by scenario.
func (w *censusWalk) labels(path string, v reflect.Value) {
	switch {
	case w.label == nil:
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		for it := v.MapRange(); it.Next(); {
			w.labelled(path, it.Key().String())
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		for i := range v.Len() {
			w.labelled(path, v.Index(i).String())
		}
	}
}

func (w *censusWalk) labelled(path, text string) {
	// A label may be a part of the key and would retain it. Cloning helps even if the map has
	// an equal key, because an assignment replaces the key.
	label := strings.Clone(w.label(text))
	if label == "" {
		return
	}
	s := w.sizes[path]
	if s.Labels == nil {
		s.Labels = map[string]int64{}
		w.sizes[path] = s
	}
	s.Labels[label]++
}
