package hub

import (
	"reflect"
	"sync"

	"github.com/pigeonhub/pigeonhub/hub/suspect"
)

// census calls f with each map, slice and channel that a mutex of the hub guards: those of the
// fields that are declared after a field mu, in the structs and arrays among them, too. It finds
// them by reflection, so that none is forgotten. It holds one mutex at a time.
func (h *Hub) census(f func(name string, length int)) {
	part{"hub.Hub", reflect.ValueOf(h).Elem()}.all(f)
}

// part is a struct of the hub.
type part struct {
	name string
	reflect.Value
}

// all counts what the part holds and then what the parts within it hold.
func (p part) all(f func(name string, length int)) {
	for _, within := range p.census(f) {
		within.all(f)
	}
}

// census counts what the mutex of the part guards, and returns the parts within that it does not
// guard, or that have a mutex of their own.
func (p part) census(f func(name string, length int)) (within []part) {
	guarded := false
	for i := range p.NumField() {
		name, v := p.name+"."+p.Type().Field(i).Name, p.Field(i)
		switch {
		case v.Type() == mutexType && p.Type().Field(i).Name == "mu":
			mu := (*sync.Mutex)(v.Addr().UnsafePointer())
			mu.Lock()
			defer mu.Unlock()
			guarded = true
		case guarded:
			within = append(within, count(name, v, f)...)
		case v.Kind() == reflect.Struct:
			within = append(within, part{name, v})
		}
	}
	return within
}

var mutexType = reflect.TypeFor[sync.Mutex]()

// count counts what a guarded field holds, and returns the structs in it that have a mutex of
// their own.
func count(name string, v reflect.Value, f func(name string, length int)) (within []part) {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.Chan:
		f(name, v.Len())
	case reflect.Array:
		length, counts := 0, false
		for i := range v.Len() {
			within = append(within, count(name+"[*]", v.Index(i), func(_ string, n int) { length, counts = length+n, true })...)
		}
		if counts {
			f(name+"[*]", length)
		}
	case reflect.Struct:
		if mu, ok := v.Type().FieldByName("mu"); ok && mu.Type == mutexType {
			return []part{{name, v}}
		}
		for i := range v.NumField() {
			within = append(within, count(name+"."+v.Type().Field(i).Name, v.Field(i), f)...)
		}
	}
	return within
}

// beside are the quantities that the census does not have: counts, the collections of other
// packages, and the memory and goroutines that belong to no collection. Of the lengths in Stats
// only LargestNetwork is left out, because it is a maximum.
var beside = []struct {
	suspect.Quantity
	value func(*Stats) int64
}{
	{entries("hub.Hub.memberships", 1), func(st *Stats) int64 { return int64(st.Announced) }},
	{entries("hub.Hub.admitted", 1), func(st *Stats) int64 { return int64(st.Admitted) }},
	{entries("hub.Hub.refused", 1), func(st *Stats) int64 { return int64(st.Refused) }},
	{entries("hub.Hub.probing", 1), func(st *Stats) int64 { return int64(st.Probing) }},
	{entries("hub.Hub.addresses", 2), func(st *Stats) int64 { return int64(st.Addresses) }},
	{entries("hub.Hub.addresses.reserved", 1), func(st *Stats) int64 { return int64(st.ReservedIDs) }},
	{entries("hub.Hub.gate", 2), func(st *Stats) int64 { return int64(st.Goroutines + st.Parked) }},
	{size("hub.Hub.queued", 8<<20, 1<<20), func(st *Stats) int64 { return st.QueuedBytes }},
	{size("hub.Hub.announced", 16<<10, 1<<20), func(st *Stats) int64 { return st.AnnouncedBytes }},
	{size("hub.Hub.reading", 1<<20, 1<<20), func(st *Stats) int64 { return st.ReadingBytes }},
	{entries("goroutines", 1), func(st *Stats) int64 { return int64(st.Memory.Goroutines - st.Goroutines) }},
	{size("heap", 2*bytesPerSession, 4<<20), func(st *Stats) int64 {
		return st.Memory.HeapMarked - st.QueuedBytes - st.AnnouncedBytes - st.ReadingBytes
	}},
}

func entries(name string, perSession float64) suspect.Quantity {
	return suspect.Quantity{Name: name, PerSession: perSession, Least: 10}
}

func size(name string, perSession, least float64) suspect.Quantity {
	return suspect.Quantity{Name: name, PerSession: perSession, Least: least}
}
