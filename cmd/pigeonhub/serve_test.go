package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
)

func TestRunServesAndEnds(t *testing.T) {
	t.Parallel()
	r := start(t)
	alice := connect(t, "ws://"+r.addr)
	if status, _ := get(t, "http://"+r.addr+"/health", nil); status != http.StatusOK {
		t.Errorf("/health: %d", status)
	}
	operator := r.log.want("listening for the operator")["url"].(string)
	if status, _ := get(t, operator+"/livez", nil); status != http.StatusOK {
		t.Errorf("/livez of the operator: %d", status)
	}
	r.cancel()
	wantShutdown(t, alice)
	if code := r.wait(); code != exitOK {
		t.Errorf("exit code %d, want %d; log:\n%s", code, exitOK, r.log)
	}
	r.log.wantCleanEnd()
	for _, addr := range []string{r.addr, strings.TrimPrefix(operator, "http://")} {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			t.Errorf("%s still accepts connections", addr)
		}
	}
}

// While the hub sends its peers away, health checks and newcomers are answered.
func TestDrainingIsAnswered(t *testing.T) {
	t.Parallel()
	r := start(t, "--close-timeout=1m", "--shutdown-timeout=1m", "--retry-after=7s")
	deaf := connect(t, "ws://"+r.addr) // its half of the close does not come
	if status, _ := get(t, "http://"+r.addr+"/readyz", nil); status != http.StatusOK {
		t.Errorf("/readyz: %d, want 200", status)
	}
	r.cancel()
	r.log.want("hub shutting down")
	if status, _ := get(t, "http://"+r.addr+"/readyz", nil); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz while draining: %d, want 503", status)
	}
	if status, _ := get(t, "http://"+r.addr+"/livez", nil); status != http.StatusOK {
		t.Errorf("/livez while draining: %d, want 200", status)
	}
	status, header := get(t, "http://"+r.addr+"/?peerId="+strings.Repeat("ab", 20), http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}})
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") != "7" {
		t.Errorf("upgrade while draining: %d, Retry-After %q, want 503 and 7", status, header.Get("Retry-After"))
	}
	wantShutdown(t, deaf) // answers
	if code := r.wait(); code != exitOK {
		t.Errorf("exit code %d, want %d; log:\n%s", code, exitOK, r.log)
	}
}

func TestMissedDeadlineIsForced(t *testing.T) {
	t.Parallel()
	r := start(t, "--close-timeout=1m", "--drain-window=1m", "--shutdown-timeout=100ms")
	connect(t, "ws://"+r.addr)
	began := time.Now()
	if code := r.end(); code != exitForced {
		t.Errorf("exit code %d, want %d; log:\n%s", code, exitForced, r.log)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the end took %v", took)
	}
	if cut := r.log.want("hub stopped")["cut_off"]; cut != 1.0 {
		t.Errorf("cut_off is %v, want 1", cut)
	}
}

func TestW4G14BusyPortsMoveOn(t *testing.T) {
	t.Parallel()
	first := start(t)
	_, port, _ := net.SplitHostPort(first.addr)
	operator := strings.TrimPrefix(first.log.want("listening for the operator")["url"].(string), "http://")
	second := start(t, "--port="+port, "--admin-address="+operator, "--port-retries=100")
	if second.addr == first.addr {
		t.Error("both hubs listen at the same address")
	}
	if got := second.log.want("port is busy, using the next free one"); got["setting"] != "port" {
		t.Errorf("the first warning is %v, want one about the port", got)
	}
	connect(t, "ws://"+second.addr).Close()

	none := start(t, "--admin-address="+operator, "--port-retries=0")
	none.log.want("no admin listener")
	connect(t, "ws://"+none.addr).Close()
}

func TestCannotListen(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, args := range [][]string{
		{"--port=" + port, "--port-retries=0"},
		{"--host=192.0.2.1"},
		{"--admin-address=192.0.2.1:0"},
	} {
		log := newLogTap(t)
		if code := run(t.Context(), append(loopback[:len(loopback):len(loopback)], args...), nil, io.Discard, log); code != exitFailed {
			t.Errorf("%v: exit code %d, want %d; log:\n%s", args, code, exitFailed, log)
		}
		log.wantCleanEnd()
	}
}

// brokenListener is a listener that fails on demand.
type brokenListener struct {
	net.Listener
	broken chan struct{}
}

var errBroken = errors.New("the network is gone")

func (b *brokenListener) breakIt() {
	close(b.broken)
	b.Listener.Close()
}

func (b *brokenListener) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	select {
	case <-b.broken:
		return nil, errBroken
	default:
		return c, err
	}
}

// A listener that fails ends the hub the same way as a signal, but for the code.
func TestFailedListenerEndsTheHub(t *testing.T) {
	t.Parallel()
	ln, err := listen(t.Context(), "127.0.0.1", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	log := newLogTap(t)
	c := newConfig(nil)
	if problems := c.resolve(nil); problems != nil {
		t.Fatal(problems)
	}
	c.hub.Logger = slog.New(slog.NewJSONHandler(log, nil))
	h, err := hub.New(c.hub)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := h.Subscribe("test", hub.EventError)
	if err != nil {
		t.Fatal(err)
	}
	s := newService(c, c.hub.Logger, h, nil)
	broken := &brokenListener{Listener: ln, broken: make(chan struct{})}
	s.servePublic(broken)
	alice := connect(t, "ws://"+ln.Addr().String())
	broken.breakIt()
	failure := s.wait(t.Context())
	if !errors.Is(failure, errBroken) {
		t.Errorf("wait returns %v, want %v", failure, errBroken)
	}
	code := make(chan int, 1)
	go func() { code <- s.end(failure) }()
	if e := <-sub.Events(); !errors.Is(e.Err, errBroken) {
		t.Errorf("the event is %+v, want the failure", e)
	}
	wantShutdown(t, alice)
	if got := <-code; got != exitFailed {
		t.Errorf("exit code %d, want %d", got, exitFailed)
	}
	log.wantCleanEnd()
}
