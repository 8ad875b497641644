//go:build linux

package hub_test

import (
	"fmt"
	"testing"
	"time"
)

const idleNetwork = 10 // peers in a network of idle ones

// BenchmarkIdlePeer: what a peer costs that has announced itself in a network of ten and is silent. Unit: one peer.
//
// tcp: 5,000 peers over loopback. rss-B is resident memory per peer as the operator sees it, after two seconds of quiet and
// nothing forced; the others after collections and FreeOSMemory, which leaves out the luck of when the last one was.
//
// pipe: 50,000 peers over in-memory pipes inside the server process, a scale for which there are not the descriptors
// here. heap+stack-B is live after the same collections, less what the pipes and the clients take by themselves, which
// a control measures (see bench_pipes_test.go). A goroutine that waits in a pipe is some frames deeper than one that
// waits in a socket, which can keep its stack at twice the size. Live heap hardly varies, so one round does.
func BenchmarkIdlePeer(b *testing.B) {
	b.Run("tcp", func(b *testing.B) {
		benchCompare(b, benchScenario{run: func(kind string) (benchSample, error) { return runIdle(kind, 5000) }})
	})
	b.Run("pipe", func(b *testing.B) {
		benchCompare(b, benchScenario{rounds: 1, run: func(kind string) (benchSample, error) { return runIdlePipes(kind, 50000) }})
	})
}

func runIdle(kind string, n int) (benchSample, error) {
	server, err := startBenchChild(kind)
	if err != nil {
		return nil, err
	}
	defer server.stop()
	before, err := server.ask("gc")
	if err != nil {
		return nil, err
	}
	f, err := dialBenchFleet(server.addr, 0, n, 1<<10, benchGroups(idleNetwork))
	if err != nil {
		return nil, err
	}
	defer f.close()
	if err := f.settleIn(idleNetwork); err != nil {
		return nil, err
	}
	time.Sleep(2 * time.Second) // after Config.ParkAfter
	asIs, err := server.ask("stats")
	if err != nil {
		return nil, err
	}
	after, err := server.ask("gc")
	if err != nil {
		return nil, err
	}
	if err := f.stillThere(n * idleNetwork); err != nil {
		return nil, err
	}
	each := func(after, before uint64) float64 { return (float64(after) - float64(before)) / float64(n) }
	return benchSample{
		{"rss-gc-B", each(after.RSS, before.RSS)},
		{"rss-B", each(asIs.RSS, before.RSS)},
		{"heap-B", each(after.HeapLive, before.HeapLive)},
		{"stack-B", each(after.Stack, before.Stack)},
		{"goroutines", float64(after.Goroutines-before.Goroutines) / float64(n)},
	}, nil
}

// stillThere returns an error if a peer was closed, or received another number of frames.
func (f *benchFleet) stillThere(frames int) error {
	if got := f.texts(); got != int64(frames) {
		return fmt.Errorf("peers got %d frames, want %d", got, frames)
	}
	for _, p := range f.peers {
		if p.ended.Load() {
			return fmt.Errorf("peer %s did not last: %w", p.id[:8], p.err)
		}
	}
	return nil
}

func runIdlePipes(kind string, n int) (benchSample, error) {
	control, err := fillPipes("control", n)
	if err != nil {
		return nil, err
	}
	all, err := fillPipes(kind, n)
	if err != nil {
		return nil, err
	}
	heap, stack := all.heap-control.heap, all.stack-control.stack
	return benchSample{
		{"heap+stack-B", heap + stack},
		{"heap-B", heap},
		{"stack-B", stack},
		{"goroutines", all.goroutines - control.goroutines},
		{"control-B", control.heap + control.stack},
	}, nil
}

// pipeFill is what a process grew by, per peer.
type pipeFill struct{ heap, stack, goroutines float64 }

func fillPipes(kind string, n int) (pipeFill, error) {
	server, err := startBenchChild("pipes:" + kind)
	if err != nil {
		return pipeFill{}, err
	}
	defer server.stop()
	before, err := server.ask("gc")
	if err != nil {
		return pipeFill{}, err
	}
	if _, err := server.ask(fmt.Sprintf("fill %d", n)); err != nil {
		return pipeFill{}, err
	}
	after, err := server.ask("gc")
	if err != nil {
		return pipeFill{}, err
	}
	each := func(after, before uint64) float64 { return (float64(after) - float64(before)) / float64(n) }
	return pipeFill{
		heap:       each(after.HeapLive, before.HeapLive),
		stack:      each(after.Stack, before.Stack),
		goroutines: float64(after.Goroutines-before.Goroutines) / float64(n),
	}, nil
}
