//go:build !nopark

package hub

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// A socket is in the epoll set if and only if its session is parked, also when
// descriptors get the numbers of others that were closed.
func TestEpollSetHasTheParked(t *testing.T) {
	t.Parallel()
	h, err := New(Config{ParkAfter: time.Millisecond, Memory: MemoryConfig{Interval: -1}})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	served := make(chan struct{})
	go func() {
		defer close(served)
		srv.Serve(ln)
	}()
	defer func() {
		h.Close()
		srv.Close()
		<-served
	}()
	var conns []*wire.Conn
	for cycle := range 4 {
		for len(conns) < 20 {
			c, err := wire.Dial(t.Context(), "ws://"+ln.Addr().String(), wire.NewPeerID(), nil)
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, c)
		}
		wantRegistered(t, h, 20)
		for _, c := range conns[:10] {
			if cycle%2 == 0 {
				c.NetConn().(*net.TCPConn).SetLinger(0)
			}
			c.Close()
		}
		conns = conns[10:]
		if cycle%2 == 1 {
			wantRegistered(t, h, 10)
		} // else the next come while those go
	}
	for _, c := range conns {
		c.Close()
	}
	wantRegistered(t, h, 0)
}

// wantRegistered waits until n sessions are parked and as many sockets are in the set.
func wantRegistered(t *testing.T, h *Hub, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", h.parking.fd))
		if err != nil {
			t.Fatal(err)
		}
		st, registered := h.Stats(), strings.Count(string(info), "tfd:")
		if st.Parked == n && st.Sessions == n && registered == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d sockets are in the epoll set, %d of %d sessions are parked, want %d:\n%s", registered, st.Parked, st.Sessions, n, info)
		}
		if err := h.CheckInvariants(); err != nil {
			t.Fatal(err)
		}
	}
}

// frames is between two at the end of each frame and nowhere else, however the bytes
// are cut.
func TestFrames(t *testing.T) {
	t.Parallel()
	header := func(first, second byte, rest ...byte) []byte { return append([]byte{first, second}, rest...) }
	masked := func(h []byte, n int) []byte { return append(append(h, 1, 2, 3, 4), make([]byte, n)...) }
	all := [][]byte{
		masked(header(0x81, 0x80|5), 5),
		masked(header(0x89, 0x80), 0),
		masked(header(0x01, 0x80|126, 0, 126), 126),
		masked(header(0x80, 0x80|126, 1, 0), 256),
		masked(header(0x82, 0x80|127, 0, 0, 0, 0, 0, 1, 0, 0), 1<<16),
		header(0x81, 0), // not masked: gorilla ends the session
		header(0x81, 2, 'h', 'i'),
		masked(header(0x88, 0x80|2), 2),
	}
	stream, ends := []byte{}, map[int]bool{0: true}
	for _, f := range all {
		stream = append(stream, f...)
		ends[len(stream)] = true
	}
	for _, step := range []int{1, 2, 3, 7, 130, 1 << 10, len(stream)} {
		var f frames
		for at := 0; at < len(stream); {
			n := min(step, len(stream)-at)
			f.pass(stream[at : at+n])
			if at += n; f.between() != ends[at] {
				t.Errorf("in steps of %d: between is %v after %d bytes, want %v", step, f.between(), at, ends[at])
			}
		}
	}
}

// A replayed handshake makes a connection that reads as any other, and what is used for
// it retains nothing.
func TestReplayedHandshake(t *testing.T) {
	t.Parallel()
	h, _ := memoryHub(t, MemoryConfig{Interval: -1})
	here, there := net.Pipe()
	defer here.Close()
	s := &session{hub: h}
	s.conn = newTransport(there, s)
	s.conn.established = true
	s.unpark()
	go func() {
		here.Write([]byte{0x81, 0x82, 0, 0, 0, 0, 'h', 'i'})
		here.Close()
	}()
	_, r, err := s.ws.NextReader()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); string(got) != "hi" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}
