package harness

import (
	"fmt"
	"maps"
	"reflect"
	"testing"
)

// A name that does not match fails silently: the instrument would then report its own
// objects and goroutines. An inlined function could give its name to its caller.
func TestOwnNames(t *testing.T) {
	t.Parallel()
	const pkg = "github.com/pigeonhub/pigeonhub/harness."
	want := map[string]string{
		"plantedObject":    pkg + "plantedObject",
		"plantedTimer":     pkg + "plantedTimer",
		"plantedStart":     pkg + "plantedStart",
		"plantedWatched":   pkg + "plantedWatched",
		"plantedFile":      pkg + "plantedFile",
		"plantCanary":      pkg + "plantCanary",
		"stopTimers":       pkg + "(*timerFlusher).stopTimers",
		"readGoroutines":   pkg + "(*goroutineReader).read",
		"measure":          pkg + "(*Footprint).Measure",
		"asksForRetainers": "[" + pkg + "Retainers " + pkg + "Explain " + pkg + "(*Campaign).conclude " + pkg + "(*Watch).Explain " + pkg + "(*Watch).Findings]",
	}
	got := map[string]string{}
	table := reflect.ValueOf(own)
	for i := range table.NumField() {
		got[table.Type().Field(i).Name] = fmt.Sprint(table.Field(i))
	}
	if !maps.Equal(got, want) {
		t.Errorf("the names are %v, want %v", got, want)
	}
}
