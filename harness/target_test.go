package harness_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
)

// A hub in a child process is found by what it prints, takes a crowd, and ends when
// it is told to.
func TestStartChild(t *testing.T) {
	const mode = "HARNESS_TEST_HUB"
	if os.Getenv(mode) != "" {
		serveUntilTerminated(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestStartChild$", "-test.v", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), mode+"=1")
	var log strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	child, err := harness.StartChild(ctx, cmd, &log, readyAt)
	if err != nil {
		t.Fatal(err)
	}
	if child.PID() == os.Getpid() || !strings.HasPrefix(child.URL(), "ws://127.0.0.1:") {
		t.Errorf("process %d serves %s", child.PID(), child.URL())
	}
	arrivals := campaignAt(child).Crowd.Send(ctx, 0, map[string]int64{"clean": 5, "goodbye": 5, "drop": 5})
	if err := arrivals.Err(); err != nil || arrivals.Lives() != 15 {
		t.Errorf("%d of 15 landed: %v", arrivals.Lives(), err)
	}
	for range 2 {
		if err := child.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
	if !strings.Contains(log.String(), "told to end\n") {
		t.Errorf("the log lacks what came last:\n%s", log.String())
	}
}

// serveUntilTerminated is the hub of the child.
func serveUntilTerminated(t *testing.T) {
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGTERM)
	defer stop()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: startEchoHub(t), ReadHeaderTimeout: time.Minute}
	go server.Serve(ln)
	fmt.Printf("listening on ws://%s\n", ln.Addr())
	<-ctx.Done()
	fmt.Println("told to end")
	server.Close()
}

func readyAt(line string) (url string, ok bool) { return strings.CutPrefix(line, "listening on ") }

// A child that ends too soon, or cannot be started at all, is an error.
func TestStartChildThatEnds(t *testing.T) {
	t.Parallel()
	_, err := harness.StartChild(t.Context(), exec.Command(os.Args[0], "-test.run=^$"), nil, readyAt)
	if err == nil || !strings.Contains(err.Error(), "ended before it was ready") {
		t.Errorf("got %v", err)
	}
	if _, err := harness.StartChild(t.Context(), exec.Command("no/such/hub"), nil, readyAt); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
