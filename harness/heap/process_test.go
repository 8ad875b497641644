package heap

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/internal/toyhub"
)

// The process must survive a dump, whatever other goroutines do. It does not if it writes the dump
// itself.
func TestRetainersBesideSystemCalls(t *testing.T) {
	t.Parallel()
	if fixture.InChild(t) {
		return
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	for i := range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				switch i {
				case 0:
					runtime.GC()
				case 1, 2:
					exec.CommandContext(ctx, "true").Run()
				default:
					os.ReadFile("/proc/self/stat")
				}
			}
		})
	}
	h := toyhub.New()
	defer h.Close()
	objects := plantAll(h)[:1]
	for range 5 {
		found, _ := wantRetainers(t, map[string]any{"hub": h}, objects)
		if got := pathText(found[0].Path); got != toyhub.Plants[0].Want {
			t.Errorf("got %s, want %s", got, toyhub.Plants[0].Want)
		}
	}
}

// TestRetainersTiers runs the tests of paths in binaries with more and with fewer names, but for two
// that take long and are not about names.
func TestRetainersTiers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds binaries")
	}
	for _, tier := range []struct{ flags, want string }{
		{"-s -w", "variables=false symbols=false"},
		{"-w -s=0", "variables=false symbols=true"},
		{"-s=0 -w=0", "variables=true symbols=true"},
	} {
		t.Run(tier.want, func(t *testing.T) {
			binary := filepath.Join(t.TempDir(), "heap.test")
			build := exec.CommandContext(t.Context(), "go", "test", "-c", "-ldflags="+tier.flags, "-o", binary, ".")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			run := exec.CommandContext(t.Context(), binary, "-test.v", "-test.short", "-test.run=^TestRetainers", "-test.skip=OfAChain|BesideSystemCalls")
			out, err := run.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if want := "tier: " + tier.want; !strings.Contains(string(out), want) {
				t.Errorf("no %q in\n%s", want, out)
			}
		})
	}
}
