//go:build unix

package main

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// dialing connects peers to url, one after another in each of a few goroutines, until stop is
// called. Each must be greeted. stop returns how many were.
func dialing(t *testing.T, url string) (stop func() int64) {
	t.Helper()
	var greeted atomic.Int64
	var dialers sync.WaitGroup
	ending := make(chan struct{})
	for range 4 {
		dialers.Go(func() {
			for {
				select {
				case <-ending:
					return
				default:
				}
				c, err := wire.Dial(t.Context(), url, wire.NewPeerID(), nil)
				if err != nil {
					t.Errorf("a peer is refused: %v", err)
					return
				}
				c.SetReceiveDeadline(time.Now().Add(patience))
				if m, err := c.Receive(); err != nil || m.Type != "connected" {
					t.Errorf("a peer got %q, %v, want connected", m.Type, err)
				}
				c.Close()
				greeted.Add(1)
			}
		})
	}
	return func() int64 {
		close(ending)
		dialers.Wait()
		return greeted.Load()
	}
}

// successor returns the process of a hand-over, which is counted from 0.
func successor(t *testing.T, log *logTap, number int) *os.Process {
	t.Helper()
	pid := int(log.wantTimes("handed over, shutting down", number+1)["pid"].(float64))
	p, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The new process takes over the sockets, and no attempt to connect fails meanwhile. The old one
// sends its peers away as at SIGTERM. The new one can hand over again.
func TestHandOver(t *testing.T) {
	t.Parallel()
	c := startChild(t, "")
	operator := c.log.want("listening for the operator")["url"].(string)
	stop := dialing(t, "ws://"+c.addr)
	next := c.cmd.Process
	for i := range 2 {
		alice := connect(t, "ws://"+c.addr)
		if err := next.Signal(syscall.SIGUSR2); err != nil {
			t.Fatal(err)
		}
		wantShutdown(t, alice)
		c.log.wantTimes("hub stopped", i+1)
		next = successor(t, c.log, i)
	}
	if n := stop(); n < 10 {
		t.Errorf("%d peers were greeted, too few to see a gap", n)
	}
	if status, _ := get(t, operator+"/livez", nil); status != 200 {
		t.Errorf("the operator's pages answer %d", status)
	}
	bob := connect(t, "ws://"+c.addr)
	if err := next.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	wantShutdown(t, bob)
	if code := c.code(); code != exitOK { // all have ended, because all write to its log
		t.Errorf("exit code %d, want %d; log:\n%s", code, exitOK, c.log)
	}
	c.log.wantCleanEnd()
}

// If the new process does not start, the old one says why and goes on.
func TestHandOverFails(t *testing.T) {
	t.Parallel()
	file := writeSettings(t, "")
	c := startChild(t, "", "--config="+file)
	alice := connect(t, "ws://"+c.addr)
	rewrite(t, file, "\nprot: 1\n")
	for i := range 2 {
		c.signal(syscall.SIGUSR2)
		c.log.wantTimes("hand-over failed, going on", i+1)
	}
	if why := c.log.want("hand-over failed, going on")["error"]; why != file+`:2: there is no setting "prot"` {
		t.Errorf("the reason is %q", why)
	}
	if err := alice.SendRaw([]byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	if m, err := alice.Receive(); err != nil || m.Type != "pong" {
		t.Errorf("a peer got %+v, %v, want a pong", m, err)
	}
	connect(t, "ws://"+c.addr).Close()
	c.signal(syscall.SIGTERM)
	wantShutdown(t, alice)
	if code := c.code(); code != exitOK {
		t.Errorf("exit code %d, want %d; log:\n%s", code, exitOK, c.log)
	}
}

// Sockets of systemd take the place of those that the settings name.
func TestSocketActivation(t *testing.T) {
	t.Parallel()
	var files []*os.File
	var addresses []string
	for range 2 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		file, err := ln.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, ln.Addr().String())
		files = append(files, file)
		ln.Close()
		defer file.Close()
	}
	const activated = "export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=admin:pigeonhub.socket; "
	c := startChildWith(t, files, activated, "--host=192.0.2.1")
	if c.addr != addresses[1] {
		t.Errorf("it listens at %s, want %s", c.addr, addresses[1])
	}
	if operator := c.log.want("listening for the operator")["url"]; operator != "http://"+addresses[0] {
		t.Errorf("the operator's pages are at %s, want %s", operator, addresses[0])
	}
	alice := connect(t, "ws://"+c.addr)
	c.signal(syscall.SIGTERM)
	wantShutdown(t, alice)
	if code := c.code(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
	c.log.wantCleanEnd()

	// A peer that connects while no hub runs waits for the next one.
	bob := make(chan error)
	waiting := make(chan struct{})
	go func() {
		peer, err := wire.Dial(t.Context(), "ws://"+c.addr, wire.NewPeerID(), &wire.DialOptions{
			NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, addr)
				close(waiting)
				return conn, err
			}})
		if err == nil {
			peer.Close()
		}
		bob <- err
	}()
	<-waiting
	startChildWith(t, files, activated, "--host=192.0.2.1")
	if err := <-bob; err != nil {
		t.Errorf("the waiting peer is refused: %v", err)
	}
}

// Descriptors that are for another process are left alone, and those that are no sockets are an
// error.
func TestForeignDescriptors(t *testing.T) {
	t.Parallel()
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	c := startChildWith(t, []*os.File{file}, "export LISTEN_PID=1 LISTEN_FDS=1; ")
	c.signal(syscall.SIGTERM)
	c.code()
	for _, environ := range []map[string]string{nil, {"LISTEN_FDS": "2"}, {"LISTEN_FDS": "2", "LISTEN_PID": "x"}} {
		if in, err := inherit(environ); err != nil || in.public != nil || in.admin != nil {
			t.Errorf("%v: got %+v, %v, want nothing", environ, in, err)
		}
	}
	var in inherited
	if err := in.take(os.NewFile(dup(t, file), "socket")); err == nil || in.public != nil {
		t.Error("a file that is no socket is taken for one")
	}
}

func dup(t *testing.T, file *os.File) uintptr {
	t.Helper()
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return uintptr(fd)
}

// systemd is notified of each change of state, and of each sign of life.
func TestNotifiesSystemd(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "hub") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: dir + "/notify", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	want := func(prefix string) string {
		t.Helper()
		conn.SetReadDeadline(time.Now().Add(patience))
		for b := make([]byte, 4096); ; {
			n, err := conn.Read(b)
			if err != nil {
				t.Fatalf("systemd gets no %s: %v", prefix, err)
			}
			if state := string(b[:n]); strings.HasPrefix(state, prefix) {
				return state
			} else if state != "WATCHDOG=1" {
				t.Fatalf("systemd gets %q, want %s", state, prefix)
			}
		}
	}
	c := startChild(t, "export NOTIFY_SOCKET="+dir+"/notify WATCHDOG_USEC=100000 WATCHDOG_PID=$$; ")
	want("READY=1")
	for range 3 {
		want("WATCHDOG=1")
	}
	c.signal(syscall.SIGHUP)
	if state := want("RELOADING=1\nMONOTONIC_USEC="); strings.HasSuffix(state, "=0") {
		t.Errorf("systemd gets %q, want the time", state)
	}
	want("READY=1")
	c.signal(syscall.SIGUSR2)
	want("READY=1") // of the new process
	next := successor(t, c.log, 0)
	if state := want("MAINPID="); state != "MAINPID="+strconv.Itoa(next.Pid) {
		t.Errorf("systemd gets %q, want %d", state, next.Pid)
	}
	c.log.want("hub stopped")
	want("WATCHDOG=1")
	next.Signal(syscall.SIGTERM)
	want("STOPPING=1")
	c.code()
}
