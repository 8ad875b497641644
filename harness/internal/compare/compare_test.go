// Package compare runs leak detectors for unit tests on the same bodies. It has tests only.
package compare_test

import (
	"fmt"
	"net/http"
	"os"
	"runtime/pprof"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
)

const page = "../../COMPARISON.md"

// The table in COMPARISON.md is what each tool finds today. A failure has the line that is right.
// No collection starts by itself: one within a test closes what the test dropped, and a guard does
// not see it.
func TestComparison(t *testing.T) {
	defer detect.HoldGC()()
	found := make([][]string, len(shapes))
	for _, tool := range tools {
		for i, s := range shapes {
			cell := "not in this Go version"
			if tool.name != profileColumn || pprof.Lookup(profileColumn) != nil {
				cell = run(t, tool, s)
			}
			found[i] = append(found[i], cell)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range shapes {
		line := "| " + s.name + " | " + strings.Join(found[i], " | ") + " |"
		if pprof.Lookup(profileColumn) == nil {
			line = strings.TrimSuffix(line, "not in this Go version |")
		}
		if !strings.Contains(string(text), "\n"+line) {
			t.Errorf("%s lacks\n%s", page, line)
		}
	}
	if server != nil {
		server.Close()
	}
	http.DefaultClient.CloseIdleConnections()
}

func run(t *testing.T, tool tool, s shape) (cell string) {
	t.Run(tool.name+"/"+s.name, func(t *testing.T) {
		http.DefaultClient.CloseIdleConnections()
		report := tool.find(t, func(w *detect.Watch) { s.body(t, w) })
		switch {
		case s.leaks && report != "":
			cell = "found"
		case s.leaks:
			cell = "-"
		case report != "":
			cell = "**accused**"
		default:
			cell = "passes"
		}
	})
	return cell
}

// BenchmarkTools compares what a guard and goleak add to the same bodies: none, a short goroutine.
func BenchmarkTools(b *testing.B) {
	bodies := map[string]func(){
		"nothing": func() {},
		"goroutine": func() {
			done := make(chan struct{})
			go close(done)
			<-done
		},
	}
	for _, name := range []string{"nothing", "goroutine"} {
		b.Run(fmt.Sprintf("Guard/%s", name), func(b *testing.B) {
			for b.Loop() {
				tb := &benched{B: b}
				harness.Guard(tb)
				bodies[name]()
				tb.end()
			}
		})
		b.Run(fmt.Sprintf("goleak/%s", name), func(b *testing.B) {
			for b.Loop() {
				before := goleak.IgnoreCurrent()
				bodies[name]()
				goleak.VerifyNone(b, before)
			}
		})
	}
}

// benched is a test of a benchmark.
type benched struct {
	*testing.B
	cleanups []func()
}

// Setenv does nothing, because the real one is undone only after the benchmark.
func (b *benched) Setenv(string, string) {}

func (b *benched) Cleanup(f func()) { b.cleanups = append(b.cleanups, f) }

func (b *benched) end() {
	for i := len(b.cleanups) - 1; i >= 0; i-- {
		b.cleanups[i]()
	}
}
