package regress_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/mutate"
	"github.com/pigeonhub/pigeonhub/harness/mutate/site"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// lifeOfBinary names the lives that come to the hub's own program.
const lifeOfBinary = "binary"

// binaryHub is the hub's program with all mutants, and the lives that came to it.
type binaryHub struct {
	*program
	next   atomic.Int64
	failed atomic.Int64
}

// startBinary starts the program. The test kills it at its end.
func (g *generated) startBinary(t *testing.T, env string) (*binaryHub, error) {
	t.Helper()
	p, err := startProgram(g.hub, append(withoutGenerated(), env), append(quickFlags(), "--log-format", "json", "--public-metrics")...)
	if err != nil {
		return nil, err
	}
	t.Cleanup(p.kill)
	return &binaryHub{program: p}, nil
}

// quickScenarios need no timeout of the hub.
var quickScenarios = []string{"clean", "goodbye", "rst", "drop", "early-close", "fresh", "signal", "absent", "bad-id", "bad-handshake"}

// round puts n lives of each of these through the program, and readers of its pages.
func (b *binaryHub) round(ctx context.Context, n int) error {
	target, err := harness.NewRemote(b.url)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, s := range harness.Scenarios() {
		if !slices.Contains(quickScenarios, s.Name) {
			continue
		}
		all.Go(func() {
			for i := range n {
				ctx, cancel := context.WithTimeout(ctx, generatedWait)
				v := &harness.Visit{
					Peer:  harness.NewPeer(target, s.Name, wire.NewPeerID()),
					Index: i, Rand: rand.New(rand.NewPCG(1, uint64(i))), Home: fmt.Sprint("home ", b.next.Add(1)/10),
				}
				if s.Live(ctx, v) != nil {
					b.failed.Add(1)
				}
				cancel()
			}
		})
	}
	all.Go(func() {
		for range n {
			for _, page := range []string{"/health", "/hubs", "/metrics", "/nothing"} {
				_ = readPage(ctx, http.MethodGet, strings.Replace(b.url, "ws", "http", 1)+page) // a hub that does not answer shows elsewhere
			}
			_ = readPage(ctx, http.MethodGet, b.admin+"/debug/state")
		}
	})
	all.Wait()
	return nil
}

// reachOfBinary adds the counts of the program to those of the hub in the test's process.
func (g *generated) reachOfBinary(t *testing.T, r *reach) {
	t.Helper()
	counts := filepath.Join(g.dir, "binary-counts")
	b, err := g.startBinary(t, site.EnvCounts+"="+counts)
	if err != nil {
		t.Fatal(err)
	}
	defer b.kill()
	for i, times := range []int{4, 4, 4, 8} {
		if err := b.round(t.Context(), times); err != nil {
			t.Fatal(err)
		}
		now := g.counts(t, counts)
		for _, m := range g.mutants {
			r.rounds[i][m.Number].Reached += now[m.Number].Reached
			r.rounds[i][m.Number].Kept += now[m.Number].Kept
		}
	}
	for _, m := range g.mutants {
		if r.rounds[3][m.Number].Reached > 0 && len(r.lives[m.Number]) == 0 && strings.HasPrefix(m.Function, "main.") {
			r.lives[m.Number] = []string{lifeOfBinary}
		}
	}
}

// dropsInBinary has the witness look at a drop mutant of the program.
func (g *generated) dropsInBinary(t *testing.T, m mutate.Mutant) (witness, aside string) {
	b, err := g.startBinary(t, g.overlay.Env(m))
	if err != nil {
		return "", "the program does not start"
	}
	defer b.kill()
	var read []figures
	for i, times := range []int{8, 8, 8, 8, 16} {
		if err := b.round(t.Context(), times); err != nil {
			return "", "the witness failed: " + err.Error()
		}
		now, err := b.figures(t.Context())
		if err != nil {
			return "", "the program does not answer"
		}
		if i > 0 {
			read = append(read, now)
		}
	}
	return grows(read)
}

// figures are read once none falls any more.
func (b *binaryHub) figures(ctx context.Context) (figures, error) {
	end := time.Now().Add(8 * time.Second)
	last, err := b.read(ctx)
	for steady := 0; err == nil && steady < 4 && time.Now().Before(end); steady++ {
		time.Sleep(100 * time.Millisecond) // between two samples
		var now figures
		if now, err = b.read(ctx); err != nil {
			break
		}
		for name := range now {
			if now[name] < last[name] {
				steady = 0
			}
		}
		last = now
	}
	return last, err
}

var runtimeFigure = regexp.MustCompile(`(?m)^(go_goroutines|go_memstats_heap_objects|go_memstats_heap_alloc_bytes) (\S+)$`)

func (b *binaryHub) read(ctx context.Context) (figures, error) {
	f := figures{}
	if entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", b.cmd.Process.Pid)); err == nil {
		f["descriptors"] = float64(len(entries))
	}
	if err := readPage(ctx, http.MethodGet, b.admin+"/debug/pprof/heap?gc=1"); err != nil {
		return nil, err
	}
	res, err := http.Get(b.admin + "/metrics")
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	names := map[string]string{"go_goroutines": "goroutines", "go_memstats_heap_objects": "objects", "go_memstats_heap_alloc_bytes": "bytes"}
	for _, found := range runtimeFigure.FindAllStringSubmatch(string(page), -1) {
		var v float64
		if _, err := fmt.Sscan(found[2], &v); err != nil {
			return nil, err
		}
		f[names[found[1]]] = v
	}
	return f, nil
}
