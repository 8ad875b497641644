//go:build interop && linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// soakVariable holds how long the soak takes.
const soakVariable = "PIGEONHUB_SOAK"

// soakReloads is how often the settings are reloaded in a soak, and soakResidents how many peers
// stay all the time.
const (
	soakReloads   = 1000
	soakResidents = 50
)

// The hub stays in order behind nginx with TLS while peers of all scenarios come and go, and while
// it gets faults, reloads, page views and a Prometheus with the shipped rules. loadgen finds no
// leak, the hub suspects none, no alert fires, and no peer that stays loses its session.
func TestInteropSoak(t *testing.T) {
	duration, err := time.ParseDuration(os.Getenv(soakVariable))
	if err != nil {
		t.Skipf("%s is not a duration: it takes an hour", soakVariable)
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", dir, ".", "../loadgen").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file := writeSettings(t, "")
	hub := &child{T: t, log: newLogTap(t), done: make(chan struct{})}
	hub.cmd = exec.Command(filepath.Join(dir, "pigeonhub"), append(loopback, "--config="+file, "--trusted-proxies=127.0.0.1", "--leak-period=5m", "--memory-interval=1m")...)
	hub.cmd.Env = []string{} // nothing of ours: no PORT, no GOMEMLIMIT
	hub.begin()
	proxy := reverseProxies[0].start(t, hub.addr)
	operator := operatorOf(hub.log)
	p := startPrometheus(t, "15s", string(readFile(t, rulesFile)), operator)

	ctx, stop := context.WithCancel(t.Context())
	var disturbing sync.WaitGroup
	disturb := func(every time.Duration, do func(i int)) {
		disturbing.Go(func() {
			tick := time.NewTicker(every)
			defer tick.Stop()
			for i := 0; ; i++ {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					do(i)
				}
			}
		})
	}
	for range soakResidents {
		c := dialFrom(t, "127.0.0.1", "wss://"+proxy)
		disturbing.Go(func() { reside(t, ctx, c) })
	}
	reloads := 0
	disturb(duration*9/10/soakReloads, func(i int) { // loadgen begins no block that would outlast the duration
		rewrite(t, file, fmt.Sprintf("retry-after: %ds\nhub-peer-ids: [%040x]\ncors-origin: https://%d.example\n", 1+i%9, i, i))
		hub.signal(syscall.SIGHUP)
		reloads++
	})
	disturb(500*time.Millisecond, func(i int) { faults[i%len(faults)](ctx, hub.addr) })
	pages := []string{"/", "/peers?q=a", "/metrics", "/debug/state"}
	disturb(2*time.Second, func(i int) {
		if status, _ := get(t, "http://"+operator+pages[i%len(pages)], nil); status != http.StatusOK {
			t.Errorf("%s: %d", pages[i%len(pages)], status)
		}
	})

	load := exec.CommandContext(t.Context(), filepath.Join(dir, "loadgen"), "soak", "--duration="+duration.String(), "--no-live",
		"--tls-insecure", fmt.Sprintf("--pid=%d", hub.cmd.Process.Pid), "--page=http://"+operator, "--report="+t.ArtifactDir(),
		"--fail=leak==none", "--fail=lost==0", "wss://"+proxy)
	load.Stdout, load.Stderr = t.Output(), t.Output()
	if err := load.Run(); err != nil {
		t.Errorf("loadgen: %v", err)
	}
	stop()
	disturbing.Wait()
	for _, alert := range p.series(`count_over_time(ALERTS{alertstate="firing"}[1d])`) {
		t.Errorf("an alert fired: %v", alert)
	}
	for _, s := range p.series(`max_over_time(pigeonhub_leak_suspected[1d]) > 0`) {
		t.Errorf("the hub suspects %v", s)
	}
	if len(p.series(`count_over_time(pigeonhub_sessions[1d])`)) != 1 {
		t.Error("Prometheus has not scraped the hub")
	}
	hub.signal(syscall.SIGTERM)
	if code := hub.code(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
	hub.log.wantCleanEnd()
	// A signal that comes while the hub still reloads is joined with the one before.
	done := strings.Count(hub.log.String(), `"settings reloaded"`)
	if t.Logf("%d of %d reloads changed settings", done, reloads); done < reloads*9/10 {
		t.Errorf("%d of %d reloads changed settings", done, reloads)
	}
}

// reside lets a peer announce itself and ping until ctx ends, so often that the hub never parks its
// session: the number of parked sessions would go up and down, which hides leaks. Its session must
// last.
func reside(t *testing.T, ctx context.Context, c *websocket.Conn) {
	defer c.Close()
	if err := c.WriteJSON(wire.Message{Type: "announce", NetworkName: "residents"}); err != nil {
		t.Errorf("a resident: %v", err)
		return
	}
	ended := make(chan error, 1)
	go func() {
		for {
			c.SetReadDeadline(time.Now().Add(2 * time.Minute))
			if _, _, err := c.ReadMessage(); err != nil {
				ended <- err
				return
			}
		}
	}()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			t.Errorf("the session of a resident ended: %v", err)
			return
		case <-ctx.Done():
			c.Close()
			<-ended
			return
		case <-tick.C:
			if err := c.WriteMessage(websocket.TextMessage, []byte(`{"type":"ping"}`)); err != nil {
				t.Errorf("a resident: %v", err)
				return
			}
		}
	}
}

// faults are what broken clients do to a hub. Each ends by itself, within a minute.
var faults = []func(ctx context.Context, addr string){
	func(_ context.Context, addr string) { faultyBytes(addr, "\x16\x03\x01 no HTTP") },
	func(_ context.Context, addr string) { faultyBytes(addr, "GET / HTTP/1.1\r\nHost: ") },
	func(ctx context.Context, addr string) { faultyPeer(ctx, addr, `{"type":`) },
	func(ctx context.Context, addr string) { faultyPeer(ctx, addr, `{"type":"announce","networkName":7}`) },
	func(ctx context.Context, addr string) {
		faultyPeer(ctx, addr, `{"type":"ping","data":"`+strings.Repeat("x", 2<<20)+`"}`)
	},
	func(_ context.Context, addr string) { // a request that is refused
		client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
		if res, err := client.Get("http://" + addr + "/?peerId=none"); err == nil {
			res.Body.Close()
		}
	},
}

// faultyBytes sends bytes and resets the connection.
func faultyBytes(addr, bytes string) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return
	}
	_, _ = c.Write([]byte(bytes)) // fails if the hub has closed it
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// faultyPeer announces itself, sends a message, and is gone without a close frame.
func faultyPeer(ctx context.Context, addr, message string) {
	c, err := wire.Dial(ctx, "ws://"+addr, wire.NewPeerID(), nil)
	if err != nil {
		return
	}
	defer c.Close()
	c.SetReceiveDeadline(time.Now().Add(patience))
	if _, err := c.Receive(); err == nil && c.Announce("faulty", nil) == nil {
		_ = c.SendRaw([]byte(message)) // fails if the hub has ended the session
	}
}
