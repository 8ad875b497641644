package regress_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// gathering is many peers that are connected at once and idle. Each is a bare connection,
// which answers nothing.
type gathering struct{ conns []net.Conn }

// gather joins n peers, each to a network of its own, atOnce of them at a time.
func gather(ctx context.Context, target harness.Target, n, atOnce int) (*gathering, error) {
	g := &gathering{conns: make([]net.Conn, n)}
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, atOnce)
	for range atOnce {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := g.join(ctx, target, int(i)); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return g, err
	default:
		return g, nil
	}
}

// join dials as peer i, reads the greeting and announces.
func (g *gathering) join(ctx context.Context, target harness.Target, i int) error {
	c, err := wire.Dial(ctx, target.URL(), wire.NewPeerID(), &wire.DialOptions{NetDialContext: target.Dial})
	if err != nil {
		return err
	}
	g.conns[i] = c.NetConn()
	if _, err := c.Receive(); err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	return c.Announce(fmt.Sprintf("gathering-%d", i), nil)
}

// leave closes all connections without a close frame.
func (g *gathering) leave() {
	for _, c := range g.conns {
		if c != nil {
			_ = c.Close() // the hub may have closed it first
		}
	}
	clear(g.conns)
}
