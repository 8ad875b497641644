package harness

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
)

// inChild runs the test in a process of its own. It reports false in the child. A heap
// dump of this one cannot be taken once a test has taken a goroutineleak profile, and
// holds the stacks of all allocations of the tests before: 400 MB, under -race. To read them all
// takes so long that what reads often is ten times as fast in a process of its own.
func inChild(t *testing.T) bool {
	cmd := childCommand(t)
	if cmd == nil {
		return false
	}
	out, err := cmd.CombinedOutput()
	t.Logf("child:\n%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("child: %v", err)
	}
	return true
}

// childCommand is the command that runs the test in a process of its own, nil in that.
func childCommand(t *testing.T) *exec.Cmd {
	if os.Getenv("HARNESS_TEST_CHILD") == t.Name() {
		return nil
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "HARNESS_TEST_CHILD="+t.Name())
	return cmd
}

func TestRetainersAfterGoroutineLeakProfile(t *testing.T) {
	t.Parallel()
	if inChild(t) {
		return
	}
	go func() { select {} }()
	NoteGoroutineLeakProfile()
	if p := pprof.Lookup("goroutineleak"); p != nil {
		if err := p.WriteTo(&strings.Builder{}, 1); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if _, _, err := Retainers(t.Context(), dir, nil, nil); !errors.Is(err, ErrGoroutineLeakProfile) {
		t.Errorf("got %v, want %v", err, ErrGoroutineLeakProfile)
	}
	if files, _ := os.ReadDir(dir); len(files) > 0 {
		t.Errorf("%d files left", len(files))
	}
}

// Whatever the others do meanwhile, the process must live: to have the process
// write its dump itself ended it twice on the day this was written.
func TestRetainersBesideSystemCalls(t *testing.T) {
	t.Parallel()
	if inChild(t) {
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
	h := newToyHub()
	defer h.cancel()
	objects := h.plantAll()[:1]
	for range 5 {
		found, _ := wantRetainers(t, map[string]any{"hub": h}, objects)
		if got := pathText(found[0].Path); got != toyPlants[0].want {
			t.Errorf("got %s, want %s", got, toyPlants[0].want)
		}
	}
}

// TestRetainersTiers has the tests above run in binaries that know more or less
// than this one.
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
			binary := filepath.Join(t.TempDir(), "harness.test")
			build := exec.CommandContext(t.Context(), "go", "test", "-c", "-ldflags="+tier.flags, "-o", binary, ".")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			run := exec.CommandContext(t.Context(), binary, "-test.v", "-test.short", "-test.run=^TestRetainers")
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
