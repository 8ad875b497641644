package harness

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Crowd sends many peers through scenarios, in an order that follows from the seed. Its methods
// may be called concurrently.
type Crowd struct {
	Target    Target
	Scenarios []Scenario
	Seed      uint64
	Token     string        // the bearer token with which peers dial, if set
	HubKey    string        // with which the target accepts a peer as a hub, for scenarios that need it
	AtOnce    int           // concurrent peers, without those of scenarios that wait; default 128
	LifeLimit time.Duration // of one life; default 30s

	// From returns the local address of the next TCP connection, nil for any. With many addresses a
	// crowd shows what a hub holds for each of them. Default: any address.
	From func() net.Addr

	// Join connects a peer of a hub with another protocol than PeerPigeon's, for residents and for
	// the controls of a campaign. If it is set, residents read by what Join starts, in a goroutine
	// that ends with the connection.
	Join JoinFunc

	residents [][]*resident // by scenario; nil before JoinResidents

	mu        sync.Mutex
	lingering []net.Conn             // see release
	addresses map[string][]crowdDial // dials by local address
}

// Send sends doses[scenario] peers through each scenario and returns when all have left. The
// peers of scenarios that wait come at once, beside the others, and so do the events of
// residents. When ctx ends, the present peers end, too, and no others come.
func (c *Crowd) Send(ctx context.Context, cycle int, doses map[string]int64) Arrivals {
	a := &arrivals{
		Arrivals: Arrivals{
			Planned: maps.Clone(doses), Landed: map[string]int64{}, Errors: map[string][]error{}, Sessions: map[string]int64{},
		},
		opened: make([]atomic.Int64, len(c.Scenarios)),
	}
	quick, patient := c.visits(cycle, doses)
	var wg sync.WaitGroup
	send := func(visits []crowdVisit, atOnce int) {
		var next atomic.Int64
		for range min(atOnce, len(visits)) {
			wg.Go(func() {
				for i := next.Add(1) - 1; i < int64(len(visits)); i = next.Add(1) - 1 {
					a.add(c.live(ctx, cycle, visits[i], &a.opened[visits[i].scenario]))
				}
			})
		}
	}
	for i, s := range c.Scenarios {
		for n := range min(int64(s.Residents), doses[s.Name]) {
			wg.Go(func() { c.befall(ctx, cycle, i, int(n), doses[s.Name], a) })
		}
	}
	for i, visits := range patient {
		send(visits, cmp.Or(c.Scenarios[i].AtOnce, len(visits)))
	}
	send(quick, c.atOnce())
	wg.Wait()
	for i, s := range c.Scenarios {
		a.Sessions[s.Name] = a.opened[i].Load()
		if s.Residents > 0 {
			a.events += a.Landed[s.Name]
		}
	}
	return a.Arrivals
}

// crowdVisit is one peer that has not come yet.
type crowdVisit struct{ scenario, index int }

// visits returns the peers to come, in their order. patient has those of scenarios that wait, by
// scenario.
func (c *Crowd) visits(cycle int, doses map[string]int64) (quick []crowdVisit, patient map[int][]crowdVisit) {
	patient = map[int][]crowdVisit{}
	for i, s := range c.Scenarios {
		if s.Residents > 0 {
			continue
		}
		for n := range doses[s.Name] {
			v := crowdVisit{i, int(n)}
			if s.Waits {
				patient[i] = append(patient[i], v)
			} else {
				quick = append(quick, v)
			}
		}
	}
	rng := rand.New(rand.NewPCG(c.Seed, uint64(cycle)))
	rng.Shuffle(len(quick), func(i, j int) { quick[i], quick[j] = quick[j], quick[i] })
	return quick, patient
}

func (c *Crowd) atOnce() int {
	if c.AtOnce > 0 {
		return c.AtOnce
	}
	return 128
}

func (c *Crowd) lifeLimit() time.Duration {
	if c.LifeLimit > 0 {
		return c.LifeLimit
	}
	return 30 * time.Second
}

// live runs the life of one peer.
func (c *Crowd) live(ctx context.Context, cycle int, v crowdVisit, opened *atomic.Int64) (scenario string, err error) {
	s := c.Scenarios[v.scenario]
	ctx, cancel := context.WithTimeout(ctx, c.lifeLimit())
	defer cancel()
	if err := ctx.Err(); err != nil {
		return s.Name, err
	}
	of := cycle
	if s.Returns {
		of = 0
	}
	peer := NewPeer(dialled{c.Target, c, s.Name}, fmt.Sprintf("%s %d of cycle %d", s.Name, v.index, cycle), c.id(v.scenario, of, v.index))
	peer.opened, peer.HubKey = opened, c.Token
	defer c.release(peer)
	return s.Name, s.Live(ctx, &Visit{
		Peer: peer, Index: v.index, Cycle: cycle, HubKey: c.HubKey,
		Rand: c.rand(v.scenario, cycle, v.index),
		Home: fmt.Sprintf("%s-%d-%d", s.Name, cycle, v.index/10),
	})
}

// rand returns the random numbers of one life.
func (c *Crowd) rand(scenario, cycle, index int) *rand.Rand {
	return rand.New(rand.NewPCG(c.Seed, uint64(scenario)<<48|uint64(cycle)<<32|uint64(index)))
}

// dialled is the target for the peers of a scenario. It records the addresses they dial from.
type dialled struct {
	Target
	crowd    *Crowd
	scenario string
}

// crowdDial is a dial by a peer of a scenario.
type crowdDial struct {
	began    time.Time
	scenario string
}

func (d dialled) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	began := time.Now()
	conn, err := d.crowd.dialFrom(ctx, d.Target, network, addr)
	if err != nil {
		return nil, err
	}
	if from, ok := conn.LocalAddr().(*net.TCPAddr); ok { // all pipes have one address
		d.crowd.mu.Lock()
		defer d.crowd.mu.Unlock()
		if d.crowd.addresses == nil {
			d.crowd.addresses = map[string][]crowdDial{}
		}
		d.crowd.addresses[from.String()] = append(d.crowd.addresses[from.String()], crowdDial{began, d.scenario})
	}
	return conn, nil
}

// dialFrom dials the target from the address that From returns.
func (c *Crowd) dialFrom(ctx context.Context, target Target, network, addr string) (net.Conn, error) {
	if c.From != nil {
		if from := c.From(); from != nil {
			return (&net.Dialer{LocalAddr: from}).DialContext(ctx, network, addr)
		}
	}
	return target.Dial(ctx, network, addr)
}

// release closes the connections of a peer. If the hub should have ended the peer and did not, its
// connection stays open until Release, so that the readings show what the hub holds of it; the
// client is dropped, because the readings would count it, too.
func (c *Crowd) release(p *Peer) {
	if !p.lingers {
		p.dropAll()
		return
	}
	p.dropBeside()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lingering = append(c.lingering, p.conn.NetConn())
}

// Release closes the connections of residents, and of peers that the hub should have ended and did
// not. Call it after the readings.
func (c *Crowd) Release() {
	c.dropResidents()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.lingering {
		_ = conn.Close() // the hub may have closed it since
	}
	c.lingering = nil
}
