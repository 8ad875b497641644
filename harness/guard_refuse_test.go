package harness_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

// inside runs the tests of the folder that only run as the child of another test, with a pattern, and
// returns their output and which of them failed.
func inside(t *testing.T, pattern string) (out string, failed []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern, "-test.v", "-test.parallel=20")
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	_ = cmd.Run() // the caller expects failures
	for line := range strings.Lines(b.String()) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); ok {
			name, _, _ = strings.Cut(name, " ")
			failed = append(failed, name)
		}
	}
	return b.String(), failed
}

const insideVariable = "HARNESS_TEST_INSIDE"

// onlyInside skips a test that leaks, unless inside runs it.
func onlyInside(t *testing.T) {
	t.Helper()
	if os.Getenv(insideVariable) == "" {
		t.Skip("another test runs this one in a process of its own")
	}
}

func wantFailed(t *testing.T, out string, failed []string, want ...string) {
	t.Helper()
	slices.Sort(failed)
	if strings.Join(failed, " ") != strings.Join(want, " ") {
		t.Errorf("failed: %q, want %q\n%s", failed, want, out)
	}
}

// Guard refuses in a parallel test and in a part of one, before or after the call of Parallel, and
// blames nothing on it. The neighbour leaks meanwhile.
func TestGuardRefusesParallelTests(t *testing.T) {
	t.Parallel()
	out, failed := inside(t, "^TestInsideParallel$")
	wantFailed(t, out, failed, "TestInsideParallel", "TestInsideParallel/after", "TestInsideParallel/before", "TestInsideParallel/part",
		"TestInsideParallel/part/of_it")
	if n := strings.Count(out, "harness.GuardParallel(t.Context(), t)"); n != 3 || strings.Contains(out, "LEAK") {
		t.Errorf("%d refusals, want 3 and no leak:\n%s", n, out)
	}
}

func TestInsideParallel(t *testing.T) {
	onlyInside(t)
	h := fixture.NewHerd(t)
	var all sync.WaitGroup
	all.Add(4)
	meet := func() {
		all.Done()
		all.Wait()
	}
	t.Run("neighbour", func(t *testing.T) {
		t.Parallel()
		meet()
		h.Leak(10)
	})
	t.Run("after", func(t *testing.T) {
		t.Parallel()
		harness.Guard(t)
		meet()
	})
	t.Run("before", func(t *testing.T) {
		harness.Guard(t)
		t.Parallel()
		meet()
	})
	t.Run("part", func(t *testing.T) {
		t.Parallel()
		t.Run("of it", func(t *testing.T) {
			harness.Guard(t)
			meet()
		})
	})
}

// The sub-tests of a guarded test may be parallel: all have ended when it is checked.
func TestGuardAroundParallelTests(t *testing.T) {
	harness.Guard(t)
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) { t.Parallel() })
	}
}

// Of 20 parallel tests with servers and clients only the one that leaks fails, although its siblings
// start many goroutines that end later.
func TestGuardParallelAmongSiblings(t *testing.T) {
	t.Parallel()
	out, failed := inside(t, "^TestInsideSiblings$")
	wantFailed(t, out, failed, "TestInsideSiblings", "TestInsideSiblings/g")
	if strings.Count(out, "LEAK 1 of 1") != 1 || !strings.Contains(out, "fixture.(*Herd).Leak") {
		t.Errorf("want one leak:\n%s", out)
	}
}

func TestInsideSiblings(t *testing.T) {
	onlyInside(t)
	h := fixture.NewHerd(t)
	for _, c := range "abcdefghijklmnopqrst" {
		t.Run(string(c), func(t *testing.T) {
			t.Parallel()
			harness.GuardParallel(t.Context(), t)
			server := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(server.Close)
			get(t, server.Client(), server.URL).Close()
			if c == 'g' {
				h.Leak(1)
			}
			for range 1000 / 20 {
				go time.Sleep(200 * time.Millisecond)
			}
		})
	}
}

// get returns the body of a response. The end of the test does not close it.
func get(t *testing.T, client *http.Client, url string) io.ReadCloser {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Body
}
