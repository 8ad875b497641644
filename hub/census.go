package hub

import (
	"reflect"
	"sync"

	"github.com/pigeonhub/pigeonhub/hub/suspect"
)

// part is a struct of the hub with a mutex, which guards the fields that are declared after it.
type part struct {
	name string
	mu   sync.Locker
	of   any // pointer to the struct
}

func (h *Hub) parts() []part {
	return []part{
		{"hub.Hub", &h.mu, h},
		{"hub.Hub.stalled", &h.stalled.mu, &h.stalled},
		{"hub.Hub.receiving", &h.receiving.mu, &h.receiving},
		{"hub.Hub.parking", h.parking.locker(), &h.parking},
	}
}

// census calls f with each map, slice and channel that the mutexes of the hub's parts guard. It
// finds them by reflection, so that none is forgotten.
func (h *Hub) census(f func(name string, length int)) {
	for _, p := range h.parts() {
		p.census(f)
	}
}

func (p part) census(f func(name string, length int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, guarded := reflect.ValueOf(p.of).Elem(), false
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch v.Field(i).Kind() {
		case reflect.Map, reflect.Slice, reflect.Chan:
			if guarded {
				f(p.name+"."+name, v.Field(i).Len())
			}
		default:
			guarded = guarded || name == "mu"
		}
	}
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
	{entries("hub.Hub.subjects", 1), func(st *Stats) int64 { return int64(st.Subjects) }},
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
