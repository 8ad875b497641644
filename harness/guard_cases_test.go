package harness_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

// A guard names the test that leaks: not a later one, not a clean sub-test, not a clean row.
func TestGuardNamesTheTest(t *testing.T) {
	t.Parallel()
	out, failed := inside(t, "^TestInside(Earlier|Later|Table)$")
	wantFailed(t, out, failed, "TestInsideTable", "TestInsideTable/three")
	for _, want := range []string{
		"leak guard: before TestInsideLater there were 2 goroutines of", "guard_cases_test.go:", "did an earlier test leave them",
		"leak guard: TestInsideTable/three",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	if strings.Count(out, "before TestInside") != 1 {
		t.Errorf("what the guard of row three has reported is no news for row four:\n%s", out)
	}
}

func TestInsideEarlier(t *testing.T) {
	onlyInside(t)
	for range 2 {
		go func() { select {} }()
	}
}

func TestInsideLater(t *testing.T) {
	onlyInside(t)
	harness.Guard(t)
}

func TestInsideTable(t *testing.T) {
	onlyInside(t)
	h := fixture.NewHerd(t)
	for _, row := range []string{"one", "two", "three", "four", "five"} {
		t.Run(row, func(t *testing.T) {
			harness.Guard(t)
			if row == "three" {
				h.Leak(1)
			}
		})
	}
}

// Idle connections of the default client pass. Others, and a forgotten body, are one leak each, with
// the advice.
func TestGuardOfHTTP(t *testing.T) {
	t.Parallel()
	out, failed := inside(t, "^TestInsideHTTP$")
	wantFailed(t, out, failed, "TestInsideHTTP", "TestInsideHTTP/another_client", "TestInsideHTTP/no_Body.Close")
	if strings.Count(out, "LEAK 1 of 1") != 2 || strings.Count(out, "LEAK ") != 2 {
		t.Errorf("want one leak for one cause:\n%s", out)
	}
	for _, want := range []string{
		"idle HTTP connection left open", "call CloseIdleConnections of the client",
		"body of an HTTP response dropped, never closed", "call resp.Body.Close",
	} {
		if strings.Count(out, want) != 1 {
			t.Errorf("%d times %q:\n%s", strings.Count(out, want), want, out)
		}
	}
}

func TestInsideHTTP(t *testing.T) {
	onlyInside(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write(make([]byte, 1<<20))
	}))
	t.Cleanup(server.CloseClientConnections)
	another := &http.Client{Transport: &http.Transport{}}
	t.Run("default client", func(t *testing.T) {
		harness.Guard(t)
		get(t, http.DefaultClient, server.URL).Close()
	})
	t.Run("another client", func(t *testing.T) {
		harness.Guard(t)
		body := get(t, another, server.URL)
		io.Copy(io.Discard, body)
		body.Close()
	})
	t.Run("no Body.Close", func(t *testing.T) {
		harness.Guard(t)
		get(t, http.DefaultClient, server.URL)
	})
}

// In a bubble a guard works with pipes. A listener of the kernel stops the bubble's clock: the guard
// reports this and does not wait.
func TestGuardInBubble(t *testing.T) {
	t.Parallel()
	out, failed := inside(t, "^TestInsideBubble$")
	wantFailed(t, out, failed)
	out, _ = inside(t, "^TestInsideBubbleOfListener$")
	if !strings.Contains(out, "net.(*TCPListener).Accept") || !strings.Contains(out, "harness.ListenPipes") {
		t.Errorf("the output lacks why it cannot, and what can:\n%s", out)
	}
}

func TestInsideBubble(t *testing.T) {
	onlyInside(t)
	synctest.Test(t, func(t *testing.T) {
		w := harness.Guard(t)
		pipes := harness.ListenPipes()
		server := &http.Server{Handler: http.NotFoundHandler()}
		done := make(chan struct{})
		go func() {
			defer close(done)
			server.Serve(pipes)
		}()
		client := &http.Client{Transport: &http.Transport{DialContext: pipes.DialContext}}
		if err := w.Add(client, "client"); err != nil {
			t.Fatal(err)
		}
		get(t, client, "http://hub/").Close()
		client.CloseIdleConnections()
		server.Close()
		<-done
	})
}

func TestInsideBubbleOfListener(t *testing.T) {
	onlyInside(t)
	synctest.Test(t, func(t *testing.T) {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() }) // after the guard has checked
		harness.Guard(t)
		go l.Accept()
	})
}
