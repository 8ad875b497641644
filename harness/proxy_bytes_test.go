package harness_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
)

// bytesTarget is no hub: the test has the other end of every connection itself, and
// sees what a proxy does byte by byte.
type bytesTarget struct {
	net.Listener
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

func (b *bytesTarget) URL() string { return "ws://" + b.Addr().String() }

func (b *bytesTarget) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return b.dial(ctx, network, addr)
}

func (b *bytesTarget) Stop(context.Context) error { return b.Close() }

// behindPipes is a proxy over pipes, for a bubble, and its target.
func behindPipes(t *testing.T) (*harness.Proxy, *bytesTarget) {
	t.Helper()
	pipes := harness.ListenPipes()
	target := &bytesTarget{pipes, pipes.DialContext}
	proxy, err := harness.NewPipeProxy(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return proxy, target
}

// connect returns both ends of a connection through a proxy.
func connect(t *testing.T, proxy *harness.Proxy, target *bytesTarget) (near, far net.Conn) {
	t.Helper()
	near, err := proxy.Dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if far, err = target.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// CutAfter counts from the call, or from the beginning of the connection.
func TestProxyCutAfterCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proxy, target := behindPipes(t)
		near, far := connect(t, proxy, target)
		go near.Write([]byte(strings.Repeat("a", 100)))
		if _, err := io.ReadFull(far, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		proxy.CutAfter(harness.ToTarget, 10)
		later, farLater := connect(t, proxy, target)
		for _, c := range []struct{ near, far net.Conn }{{near, far}, {later, farLater}} {
			go c.near.Write([]byte(strings.Repeat("b", 100)))
			if got, _ := io.ReadAll(c.far); string(got) != strings.Repeat("b", 10) {
				t.Errorf("got %q, want ten bytes and the end", got)
			}
			if n, err := c.near.Read(make([]byte, 1)); n > 0 || err == nil {
				t.Errorf("the peer's side goes on: %d bytes, %v", n, err)
			}
		}
	})
}

// To the target of a frozen proxy there is no new connection, and old ones are
// silent, until it thaws; then everything arrives, in order.
func TestProxyFreezeHoldsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proxy, target := behindPipes(t)
		near, far := connect(t, proxy, target)
		proxy.Freeze(true)
		got := make(chan string, 1)
		go func() {
			b, _ := io.ReadAll(far)
			got <- string(b)
		}()
		accepted := make(chan net.Conn, 1)
		go func() {
			c, _ := target.Accept()
			accepted <- c
		}()
		for _, s := range []string{"one ", "two ", "three"} {
			if _, err := near.Write([]byte(s)); err != nil {
				t.Fatal(err)
			}
		}
		near.Close()
		if _, err := proxy.Dial(t.Context(), "", ""); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour)
		select {
		case s := <-got:
			t.Errorf("%q and the end came through", s)
		case <-accepted:
			t.Error("the target has a new connection")
		default:
		}
		proxy.Heal()
		if s := <-got; s != "one two three" {
			t.Errorf("got %q", s)
		}
		if c := <-accepted; c == nil {
			t.Error("the new connection did not come")
		}
	})
}

// One portion each fiftieth of a second, so many bytes a second in each direction.
func TestProxyBandwidthIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proxy, target := behindPipes(t)
		near, far := connect(t, proxy, target)
		proxy.Bandwidth(1000)
		for _, c := range []struct{ from, to net.Conn }{{near, far}, {far, near}} {
			began := time.Now()
			go c.from.Write(make([]byte, 5000))
			if _, err := io.ReadFull(c.to, make([]byte, 5000)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < 4900*time.Millisecond || took > 5*time.Second {
				t.Errorf("5000 bytes took %v", took)
			}
		}
	})
}

// A target that goes on writing to a peer that has closed hears of it as it would
// without a proxy: by an error.
func TestProxyTellsWhoWritesToNobody(t *testing.T) {
	for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
		t.Run(latency.String(), func(t *testing.T) {
			wantNothingLeft(t)
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			target := &bytesTarget{ln, new(net.Dialer).DialContext}
			proxy, err := harness.NewProxy(target)
			if err != nil {
				t.Fatal(err)
			}
			near, far := connect(t, proxy, target)
			proxy.Latency(latency)
			failed := make(chan error, 1)
			go func() {
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				for range tick.C {
					if _, err := far.Write([]byte("x")); err != nil {
						failed <- err
						return
					}
				}
			}()
			if _, err := near.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			near.(*net.TCPConn).SetLinger(-1) // a FIN, if all has been read
			near.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			select {
			case <-failed:
			case <-ctx.Done():
				t.Error("it writes to nobody, and nobody tells it")
			}
			if err := proxy.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
