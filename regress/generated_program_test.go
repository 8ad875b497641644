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

// programLife names the lives that use the program cmd/pigeonhub.
const programLife = "program"

// mutantProgram is the program cmd/pigeonhub with all mutants, and its lives.
type mutantProgram struct {
	*program
	next   atomic.Int64
	failed atomic.Int64
}

// startMutantProgram starts the program with one more environment variable. The end of the test
// kills it.
func (g *generated) startMutantProgram(t *testing.T, env string) (*mutantProgram, error) {
	t.Helper()
	p, err := startProgram(g.hub, append(envWithoutGenerated(), env), append(quickFlags(), "--log-format", "json", "--public-metrics")...)
	if err != nil {
		return nil, err
	}
	t.Cleanup(p.kill)
	return &mutantProgram{program: p}, nil
}

// quickScenarios are scenarios that wait for no timeout of the hub.
var quickScenarios = []string{"clean", "goodbye", "rst", "drop", "early-close", "fresh", "signal", "absent", "bad-id", "bad-handshake"}

// round runs n lives of each quick scenario on the program, and n times requests its pages.
func (b *mutantProgram) round(ctx context.Context, n int) error {
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
				_ = readPage(ctx, http.MethodGet, strings.Replace(b.url, "ws", "http", 1)+page) // errors show as failed lives
			}
			_ = readPage(ctx, http.MethodGet, b.admin+"/debug/state")
		}
	})
	all.Wait()
	return nil
}

// addProgramReach adds the counts of the program to those of the hub in the child process.
func (g *generated) addProgramReach(t *testing.T, r *reach) {
	t.Helper()
	counts := filepath.Join(g.dir, "program-counts")
	b, err := g.startMutantProgram(t, site.EnvCounts+"="+counts)
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
			r.lives[m.Number] = []string{programLife}
		}
	}
}

// dropsInProgram is drops for a mutant whose code only the program runs.
func (g *generated) dropsInProgram(t *testing.T, m mutate.Mutant) (witness, aside string) {
	b, err := g.startMutantProgram(t, g.overlay.Env(m))
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

// figures returns the figures of the program when none falls any more.
func (b *mutantProgram) figures(ctx context.Context) (figures, error) {
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

// read returns the present figures of the program, after a GC.
func (b *mutantProgram) read(ctx context.Context) (figures, error) {
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
