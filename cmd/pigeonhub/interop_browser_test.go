//go:build interop

package main_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Bounds of the waits in the browser story. A WebRTC link takes a second; the
// client's own timers (retries every 4 s, reconnect after 3 s) set the rest.
const (
	meshLimit      = 60 * time.Second
	reconnectLimit = 60 * time.Second
	answerLimit    = 20 * time.Second // one answer of a page
	crashLimit     = 2 * time.Second  // how long the order to crash may go unanswered
)

// TestInteropBrowser is one story: each chapter starts where the last one ended.
func TestInteropBrowser(t *testing.T) {
	shop := openWorkshop(t)
	hub, port := shop.candidate(t), freePort(t)
	m := &mesh{t: t, hub: startHub(t, hub, port), browser: startBrowser(t), site: shop.serve(t)}

	chapter := func(name string, play func(t *testing.T)) {
		t.Helper()
		if !t.Run(name, play) {
			m.explain()
			t.FailNow()
		}
	}
	chapter("three_pages_form_a_mesh", func(t *testing.T) {
		m.open(t, "alice", "bob", "carol")
		m.linked(t)
		m.counted(t, 3)
		m.chat(t)
	})
	chapter("a_killed_page_leaves_the_hub", func(t *testing.T) {
		m.crash(t, "carol")
		m.counted(t, 2)
	})
	chapter("a_late_page_is_found", func(t *testing.T) {
		m.open(t, "dave")
		m.linked(t)
		m.counted(t, 3)
		m.chat(t)
	})
	m.hub.stop(t)
	chapter("pages_talk_without_the_hub", func(t *testing.T) {
		m.connected(t, false)
		m.chat(t)
	})
	m.hub = startHub(t, hub, port)
	chapter("pages_reconnect_by_themselves", func(t *testing.T) {
		m.connected(t, true)
		m.counted(t, 3)
	})
	chapter("a_page_that_joins_after_the_restart_is_found", func(t *testing.T) {
		m.open(t, "erin")
		m.linked(t)
		m.counted(t, 4)
		m.chat(t)
	})
	m.hub.stop(t)
}

// serve serves our page and the published browser client.
func (w workshop) serve(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(w.dir)))
	mux.HandleFunc("/peerpigeon-browser.js", func(rw http.ResponseWriter, r *http.Request) {
		http.ServeFile(rw, r, filepath.Join(w.packages, "peerpigeon", "dist", "peerpigeon-browser.js"))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// startBrowser starts headless Chromium with a new profile, which chromedp makes
// and removes. It resolves no name, so that nothing but this machine is reached.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	ctx, cancelAllocator := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(chromium(t)),
		chromedp.Headless,
		chromedp.NoSandbox,
		chromedp.NoFirstRun,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-features", "WebRtcHideLocalIpsWithMdns"),
		chromedp.Flag("allow-loopback-in-peer-connection", true),
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	t.Cleanup(cancelAllocator)                                                            // waits for the end of the process
	ctx, cancel := chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {})) // it complains of a crashed page, and of events it does not know
	t.Cleanup(cancel)
	t.Cleanup(func() { // politely, so that none of its processes stays behind
		ctx, cancel := context.WithTimeout(ctx, answerLimit)
		defer cancel()
		_ = chromedp.Cancel(ctx)
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", chromium(t), err)
	}
	return ctx
}

// chromium finds the browser.
func chromium(t *testing.T) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	if named := os.Getenv("CHROMIUM"); named != "" {
		names = []string{named}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("no browser: %s not found; install Chromium (apt-get install chromium, apk add chromium, "+
		"brew install --cask chromium) or name one in the environment variable CHROMIUM", strings.Join(names, ", "))
	return ""
}
