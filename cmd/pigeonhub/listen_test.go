package main

import (
	"net"
	"strconv"
	"testing"
)

func TestListenTakesTheNextFreePort(t *testing.T) {
	t.Parallel()
	taken, err := listen(t.Context(), "127.0.0.1", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := portOf(taken)
	if port == 0 {
		t.Fatalf("%v has no port", taken.Addr())
	}
	if ln, err := listen(t.Context(), "127.0.0.1", port, 0); err == nil || !isBusy(err) {
		ln.Close()
		t.Errorf("a busy port without another to try: %v, want that it is busy", err)
	}
	next, err := listen(t.Context(), "127.0.0.1", port, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if got := portOf(next); got <= port || got > port+100 {
		t.Errorf("took port %d, want one of the 100 after %d", got, port)
	}
}

func TestListenOnBothFamilies(t *testing.T) {
	t.Parallel()
	ln, err := listen(t.Context(), "0.0.0.0", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, host := range []string{"127.0.0.1", "::1"} {
		if probe, err := net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
			continue // this machine does not have that family
		} else {
			probe.Close()
		}
		c, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(portOf(ln))))
		if err != nil {
			t.Errorf("not at %s: %v", host, err)
			continue
		}
		c.Close()
	}
	if v6, err := listen(t.Context(), "[::1]", 0, 0); err == nil { // as some write HOST
		v6.Close()
	}
}
