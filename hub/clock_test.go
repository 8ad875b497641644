package hub_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// A machine's clock that is set back by an hour leaves every stored time of the wall an
// hour ahead. A half-open peer is found no later for that.
func TestClockThatIsSetBack(t *testing.T) {
	if raceDetector {
		t.Skip("the test writes to times that the reader reads")
	}
	t.Parallel()
	sessions := make(chan any, 1)
	w := newWorld(t, hub.Config{PingInterval: 200 * time.Millisecond, PongTimeout: 200 * time.Millisecond,
		Trace: &hub.Trace{SessionBegin: func(s hub.SessionTrace) { sessions <- s.Object }}})
	w.join("half-open", "n") // reads no more: pings stay unanswered
	moved := moveTimes(reflect.ValueOf(w.hub).Elem(), time.Hour) + moveTimes(reflect.ValueOf(<-sessions).Elem(), time.Hour)
	if moved < 2 {
		t.Fatalf("%d times were moved, want those of the hub and of the session", moved)
	}
	w.wantCount("ended", ended(wire.ReasonPingTimeout), 1)
}

// moveTimes moves the wall clock's part of every time.Time in a struct and returns how
// many there were. A reading of the monotonic clock beside it stays.
func moveTimes(v reflect.Value, by time.Duration) (moved int) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		const hasMonotonic, seconds = 1 << 63, 30 // as in package time
		wall := (*uint64)(unsafe.Pointer(v.UnsafeAddr()))
		if *wall&hasMonotonic == 0 {
			return 0
		}
		*wall += uint64(by/time.Second) << seconds
		return 1
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			moved += moveTimes(v.Field(i), by)
		}
	}
	return moved
}

// No code of the hub makes a number of a time, beside the places that put one into a
// message or a page: intervals between such numbers are of the wall clock.
func TestIntervalsAreMonotonic(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{"now": true, "Hubs": true}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	parsed := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed++
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && allowed[fn.Name.Name] {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					switch s.Sel.Name {
					case "Unix", "UnixNano", "UnixMilli", "UnixMicro":
						t.Errorf("%s: %s loses the monotonic clock", set.Position(s.Pos()), s.Sel.Name)
					}
				}
				return true
			})
		}
	}
	if parsed < 20 {
		t.Fatalf("%d files were parsed", parsed)
	}
}
