package probe_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pigeonhub/pigeonhub/harness/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var client probe.Client

// serve serves pages by path. Other paths get the banner of the reference hub.
func serve(t *testing.T, pages map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		if !ok {
			page = "PeerPigeon WebSocket Signaling Server"
		}
		fmt.Fprint(w, page)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	health, metrics := `{"status":"healthy","connections":2}`, "hub_sessions 3\n"
	for _, tt := range []struct {
		name  string
		pages map[string]string
		want  string
	}{
		{"both", map[string]string{"/health": health, "/metrics": metrics}, "health 2, metrics 3"},
		{"reference hub", map[string]string{"/health": health}, "health 2"},
		{"only metrics", map[string]string{"/metrics": metrics}, "metrics 3"},
		{"none", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := serve(t, tt.pages)
			probes, err := client.Discover(t.Context(), strings.Replace(base, "http:", "ws:", 1)+"/some/path?peerId=x")
			var got []string
			for _, p := range probes {
				reading, err := p.Read(t.Context())
				if err != nil || !strings.HasPrefix(p.URL, base) {
					t.Errorf("%s: %v", p.URL, err)
				}
				for _, v := range reading {
					got = append(got, fmt.Sprint(p.Name, " ", v))
				}
			}
			if strings.Join(got, ", ") != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("got %q: %v", got, err)
			}
		})
	}
}

func TestDiscoverErrors(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	for _, base := range []string{"ftp://x", "://", "ws://" + ln.Addr().String()} {
		if got, err := client.Discover(t.Context(), base); err == nil {
			t.Errorf("%s: got %v", base, got)
		}
	}
	_, err = client.Discover(t.Context(), "ws://user:secret@"+ln.Addr().String())
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestPageErrors(t *testing.T) {
	t.Parallel()
	stopped := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/500":
			http.Error(w, "a 1", http.StatusInternalServerError)
		case "/big":
			for range probe.MaxBytes/64 + 1 {
				fmt.Fprintf(w, "%-62s 1\n", "a")
			}
		case "/slow":
			<-stopped
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(stopped) })
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for path, want := range map[string]error{"/500": nil, "/big": probe.ErrTooBig, "/slow": context.DeadlineExceeded} {
		ctx := t.Context()
		if path == "/slow" {
			ctx = short
		}
		if got, err := client.Metrics(ctx, s.URL+path); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: got %d values: %v", path, len(got), err)
		}
	}
}

// Readings follow the process: they count its descriptors until it closes them.
func TestProc(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	before := read(t, 0)
	for _, name := range []string{"rss_bytes", "rss_anon_bytes", "threads", "descriptors"} {
		if before[name] <= 0 {
			t.Errorf("%s is %v", name, before[name])
		}
	}
	if before["rss_bytes"] < before["rss_anon_bytes"] || before["rss_bytes"] > 1<<40 {
		t.Errorf("%v bytes, anonymous %v", before["rss_bytes"], before["rss_anon_bytes"])
	}
	open := 0
	for fd := range 4096 {
		if _, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err == nil {
			open++
		}
	}
	if before["descriptors"] != float64(open) {
		t.Errorf("%v descriptors, there are %d", before["descriptors"], open)
	}
	var files []*os.File
	for range 10 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	if now := read(t, os.Getpid()); now["descriptors"] != before["descriptors"]+10 {
		t.Errorf("%v descriptors, then 10 more: %v", before["descriptors"], now["descriptors"])
	}
	for _, f := range files {
		f.Close()
	}
	for deadline := time.Now().Add(20 * time.Second); read(t, 0)["cpu_seconds"] <= before["cpu_seconds"]; {
		if time.Now().After(deadline) {
			t.Fatal("no processor time goes by while we use it")
		}
	}
}

func read(t *testing.T, pid int) map[string]float64 {
	t.Helper()
	reading, err := probe.Proc(pid)
	if err != nil {
		t.Fatal(err)
	}
	return reading
}

func TestProcThatHasEnded(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "true")
	if err := cmd.Run(); err != nil {
		t.Skip(err)
	}
	if got, err := probe.Proc(cmd.Process.Pid); err == nil {
		t.Errorf("got %v", got)
	}
}
