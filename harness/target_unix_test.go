//go:build unix

package harness_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
)

// inShell starts a script. Gone is closed when nobody is left of what it has started.
func inShell(t *testing.T, script string, patience time.Duration) (child *harness.Child, gone <-chan struct{}, err error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.ExtraFiles = []*os.File{w} // which all of them have
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	child, err = harness.StartChild(ctx, cmd, nil, readyAt)
	w.Close()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		defer r.Close()
		r.Read(make([]byte, 1))
	}()
	return child, closed, err
}

// What a child has started ends with it, though it holds the child's output open.
func TestChildStopsGrandchildren(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"that end":           `sleep 60 & echo "listening on ws://x"; wait`,
		"that do not listen": `(trap "" TERM; echo "listening on ws://x"; sleep 60) & wait`,
		"of who has ended":   `sleep 60 & echo "listening on ws://x"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			child, gone, err := inShell(t, script, 20*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			patience := 30 * time.Second
			if name == "that do not listen" {
				patience = time.Second // which it costs
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			err = child.Stop(ctx)
			if killed := errors.Is(err, context.DeadlineExceeded); killed != (name == "that do not listen") {
				t.Errorf("stop: %v", err)
			}
			wantSoon(t, gone)
		})
	}
}

// A child that does not get ready is ended, with what it has started.
func TestStartChildThatIsNotReady(t *testing.T) {
	t.Parallel()
	_, gone, err := inShell(t, "sleep 60 & wait", 300*time.Millisecond)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	wantSoon(t, gone)
}

// Who has left the group is not waited for.
func TestChildWhoseGrandchildLeft(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip(err)
	}
	child, _, err := inShell(t, `setsid sh -c 'echo "listening on ws://x"; exec sleep 30' & wait`, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := child.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("stop took %s", took)
	}
}

func wantSoon(t *testing.T, gone <-chan struct{}) {
	t.Helper()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("somebody is left")
	}
}
