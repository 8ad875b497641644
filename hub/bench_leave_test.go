//go:build linux

package hub_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

const (
	leaveWait = 30 * time.Second // for the memory to go back to where it came from
	leaveSlop = 20               // goroutines that may be left: of the runtime, never one per peer
)

// BenchmarkLeave: resident memory before 10,000 peers come, while they are there (in networks of ten) and 30 s after all
// left at once; nothing is forced. x-before is after / before; the first metric, and so x-naive, is what is left.
// after-gc is read last, after collections and FreeOSMemory.
// All servers wait through the same 30 s, each in its own process, and one round does: the differences are manifold.
//
// A Go process never gives back all of it: the runtime keeps a descriptor of every goroutine and of every socket of its
// peak. The floor shows how much: an http.Handler that hijacks the connection and waits in one Read, and no more.
// x-floor is how much a server has grown as a multiple of how much the floor has.
func BenchmarkLeave(b *testing.B) {
	var both map[string]benchSample
	benchCompare(b, benchScenario{rounds: 1, run: func(kind string) (benchSample, error) {
		if both[kind] == nil {
			var err error
			if both, err = runLeave(10000); err != nil {
				return nil, err
			}
		}
		defer delete(both, kind) // the next pass measures anew
		return both[kind], nil
	}})
}

// benchLeaver is one server through its crowd's coming and going.
type benchLeaver struct {
	kind                         string
	server                       *benchChild
	before, there, after, forced benchStats
	left                         time.Time
}

func runLeave(n int) (map[string]benchSample, error) {
	var all []*benchLeaver
	for _, kind := range []string{benchFloor, benchHub, benchNaive} {
		l, err := comeAndGo(kind, n)
		if l != nil {
			defer l.server.stop()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
		all = append(all, l)
	}
	for _, l := range all {
		if err := l.settle(); err != nil {
			return nil, fmt.Errorf("%s: %w", l.kind, err)
		}
	}
	out := make(map[string]benchSample)
	floor := all[0].forced.RSS - all[0].before.RSS
	for _, l := range all {
		out[l.kind] = benchSample{
			{"after-MiB", float64(l.after.RSS) / (1 << 20)},
			{"before-MiB", float64(l.before.RSS) / (1 << 20)},
			{"there-MiB", float64(l.there.RSS) / (1 << 20)},
			{"after-gc-MiB", float64(l.forced.RSS) / (1 << 20)},
			{"x-before", float64(l.after.RSS) / float64(l.before.RSS)},
			{"x-floor", float64(l.after.RSS-l.before.RSS) / float64(floor)},
		}
	}
	return out, nil
}

// settle waits until the 30 s are over, and reads what is left.
func (l *benchLeaver) settle() (err error) {
	time.Sleep(time.Until(l.left.Add(leaveWait)))
	if l.after, err = l.server.ask("stats"); err != nil {
		return err
	}
	if l.forced, err = l.server.ask("gc"); err != nil {
		return err
	}
	if l.after.Goroutines > l.before.Goroutines+leaveSlop {
		return fmt.Errorf("%d goroutines before, %d after all left", l.before.Goroutines, l.after.Goroutines)
	}
	return nil
}

func comeAndGo(kind string, n int) (*benchLeaver, error) {
	server, err := startBenchChild(kind)
	if err != nil {
		return nil, err
	}
	l := &benchLeaver{kind: kind, server: server}
	// One peer first: a server that never spoke has not touched its own code yet.
	first, err := dialBenchFleet(server.addr, n, 1, 1<<10, benchGroups(1))
	if err != nil {
		return l, err
	}
	defer first.close()
	first.read()
	if err := errors.Join(first.announceAll(), first.leaveAll()); err != nil {
		return l, err
	}
	time.Sleep(time.Second)
	if l.before, err = server.ask("stats"); err != nil {
		return l, err
	}
	crowd, err := dialBenchFleet(server.addr, 0, n, 1<<10, benchGroups(idleNetwork))
	if err != nil {
		return l, err
	}
	defer crowd.close()
	if err := crowd.settleIn(idleNetwork); err != nil {
		return l, err
	}
	if l.there, err = server.ask("stats"); err != nil {
		return l, err
	}
	l.left = time.Now()
	return l, crowd.leaveAll()
}

const benchFloor = "floor"

var _ = registerBench(benchFloor, func() (http.Handler, error) { return http.HandlerFunc(floorHandler), nil })

func floorHandler(w http.ResponseWriter, _ *http.Request) {
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	go func() {
		defer nc.Close()
		if controlTalk(nc, rw.Reader) == nil && rw.Reader.Buffered() == 0 {
			var frame [64]byte // the close frame, if it did not come along with the announce
			_, _ = nc.Read(frame[:])
		}
	}()
}
