package harness

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Crowd puts many peers through scenarios, all mixed: who comes when follows from
// the seed. Its methods may be called concurrently.
type Crowd struct {
	Target    Target
	Scenarios []Scenario
	Seed      uint64
	HubKey    string        // by which the target lets a peer be a hub; scenarios that need it fail without
	AtOnce    int           // peers under way at once, beside those of scenarios that wait; default 128
	LifeLimit time.Duration // of one life; default 30s

	mu        sync.Mutex
	lingering []*Peer                // see part
	addresses map[string][]crowdDial // from which peers have dialled
}

// Arrivals says how a crowd fared.
type Arrivals struct {
	Planned map[string]int64   // peers by scenario
	Landed  map[string]int64   // of these, the ones whose life went as the scenario says
	Errors  map[string][]error // of the others, the first few

	Sessions map[string]int64 // connections that they opened, by scenario
}

// mostArrivalErrors is how many errors of a scenario are kept.
const mostArrivalErrors = 3

// Send puts doses[scenario] peers through each scenario and returns when all have
// gone. The peers of scenarios that wait come all at once, beside the others. When
// ctx ends, those under way end with it and the rest do not come.
func (c *Crowd) Send(ctx context.Context, cycle int, doses map[string]int64) Arrivals {
	a := &arrivals{
		Arrivals: Arrivals{maps.Clone(doses), map[string]int64{}, map[string][]error{}, map[string]int64{}},
		opened:   make([]atomic.Int64, len(c.Scenarios)),
	}
	quick, patient := c.visits(cycle, doses)
	var wg sync.WaitGroup
	send := func(visits []crowdVisit, atOnce int) {
		var next atomic.Int64
		for range min(atOnce, len(visits)) {
			wg.Go(func() {
				for i := next.Add(1) - 1; i < int64(len(visits)); i = next.Add(1) - 1 {
					a.note(c.live(ctx, cycle, visits[i], &a.opened[visits[i].scenario]))
				}
			})
		}
	}
	for i, visits := range patient {
		send(visits, cmp.Or(c.Scenarios[i].AtOnce, len(visits)))
	}
	send(quick, c.atOnce())
	wg.Wait()
	for i, s := range c.Scenarios {
		a.Sessions[s.Name] = a.opened[i].Load()
	}
	return a.Arrivals
}

// crowdVisit is one peer to come.
type crowdVisit struct{ scenario, index int }

// visits lists who is to come, in the order in which they do: all together, and
// those that wait by scenario.
func (c *Crowd) visits(cycle int, doses map[string]int64) (quick []crowdVisit, patient map[int][]crowdVisit) {
	patient = map[int][]crowdVisit{}
	for i, s := range c.Scenarios {
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

// live is one life.
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
	peer.opened = opened
	defer c.part(peer)
	return s.Name, s.Live(ctx, &Visit{
		Peer: peer, Index: v.index, Cycle: cycle, HubKey: c.HubKey,
		Rand: rand.New(rand.NewPCG(c.Seed, uint64(v.scenario)<<48|uint64(cycle)<<32|uint64(v.index))),
		Home: fmt.Sprintf("%s-%d-%d", s.Name, cycle, v.index/10),
	})
}

// dialled is the target as peers of a scenario see it: it notes where they dial from.
type dialled struct {
	Target
	crowd    *Crowd
	scenario string
}

// crowdDial is when a peer of a scenario dialled.
type crowdDial struct {
	began    time.Time
	scenario string
}

func (d dialled) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	began := time.Now()
	conn, err := d.Target.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if from, ok := conn.LocalAddr().(*net.TCPAddr); ok { // all pipes are called the same
		d.crowd.mu.Lock()
		defer d.crowd.mu.Unlock()
		if d.crowd.addresses == nil {
			d.crowd.addresses = map[string][]crowdDial{}
		}
		d.crowd.addresses[from.String()] = append(d.crowd.addresses[from.String()], crowdDial{began, d.scenario})
	}
	return conn, nil
}

// part has a peer leave nothing behind, at once or, if its scenario was to wait for
// the hub and the hub did nothing, with Release: a hub that keeps it is to be seen.
func (c *Crowd) part(p *Peer) {
	if !p.lingers {
		p.leaveNothing()
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lingering = append(c.lingering, p)
}

// Release drops the connections of peers that the hub should have ended and did
// not. A reading comes before it.
func (c *Crowd) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.lingering {
		p.leaveNothing()
	}
	c.lingering = nil
}

// id is the id of a peer: its scenario, cycle and number, then digits that only
// this crowd puts there, so that Label knows its own. The last is for the scenario
// to use, where a peer needs another beside it.
func (c *Crowd) id(scenario, cycle, index int) wire.PeerID {
	var b [wire.PeerIDLen / 2]byte
	binary.BigEndian.PutUint16(b[0:], uint16(scenario))
	binary.BigEndian.PutUint16(b[2:], uint16(cycle))
	binary.BigEndian.PutUint32(b[4:], uint32(index))
	sum := fnv.New64a()
	binary.Write(sum, binary.BigEndian, c.Seed)
	sum.Write(b[:8])
	mixed := rand.NewPCG(sum.Sum64(), c.Seed)
	binary.BigEndian.PutUint64(b[8:], mixed.Uint64())
	binary.BigEndian.PutUint32(b[16:], uint32(mixed.Uint64()))
	return wire.PeerID(hex.EncodeToString(b[:])[:wire.PeerIDLen-1] + "0")
}

// Label says of an id which scenario its peer went through, and which peer it was,
// as labels of Watch want it: "rst/17 of cycle 2". It is empty for an id that is
// not of this crowd.
func (c *Crowd) Label(id wire.PeerID) string {
	id = id[max(0, len(id)-wire.PeerIDLen):] // see liveBadID
	b, err := hex.DecodeString(string(id))
	if err != nil || len(b) != wire.PeerIDLen/2 {
		return ""
	}
	scenario, cycle, index := int(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:])), int(binary.BigEndian.Uint32(b[4:]))
	if scenario >= len(c.Scenarios) || c.id(scenario, cycle, index)[:wire.PeerIDLen-1] != id[:wire.PeerIDLen-1] {
		return ""
	}
	return fmt.Sprintf("%s/%d of cycle %d", c.Scenarios[scenario].Name, index, cycle)
}

// DialledBy says which scenario a connection is of that was accepted at a time from an
// address: that of the peer who had last begun to dial from there, for a port is used
// again. It is for Descriptors.Label and Unclosed.Label.
func (c *Crowd) DialledBy(address string, accepted time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range slices.Backward(c.addresses[address]) {
		if !d.began.After(accepted) {
			return d.scenario
		}
	}
	return ""
}

// ScenarioOf says from which scenario a text comes that has the id of a peer of this
// crowd in it, or that begins with the name of a peer or of one of its networks or has
// one in quotes, or is the address from which one has dialled, of several the last; ""
// if it is none of these. It is for Census.Label and its like.
func (c *Crowd) ScenarioOf(text string) string {
	if scenario := c.DialledBy(text, time.Now()); scenario != "" {
		return scenario
	}
	for _, digits := range peerIDs.FindAllString(text, -1) {
		if scenario, _, ok := strings.Cut(c.Label(wire.PeerID(digits)), "/"); ok {
			return scenario
		}
	}
	if home := homes.FindStringSubmatch(text); home != nil {
		if slices.ContainsFunc(c.Scenarios, func(s Scenario) bool { return s.Name == home[1] }) {
			return home[1]
		}
	}
	return ""
}

var (
	peerIDs = regexp.MustCompile(`[0-9a-f]{40}`)
	homes   = regexp.MustCompile(`(?:^|")([a-z-]+)(?:-\d+-\d+(?:$|[^0-9a-z])| \d+ of cycle \d+)`) // and names: see live
)

// arrivals collects what the lives report.
type arrivals struct {
	opened []atomic.Int64 // by scenario

	mu sync.Mutex
	Arrivals
}

func (a *arrivals) note(scenario string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil:
		a.Landed[scenario]++
	case len(a.Errors[scenario]) < mostArrivalErrors:
		a.Errors[scenario] = append(a.Errors[scenario], err)
	}
}

// Lives is how many landed in all.
func (a Arrivals) Lives() (total int64) {
	for _, n := range a.Landed {
		total += n
	}
	return total
}

// Err returns an error that tells the first errors, or nil if all landed.
func (a Arrivals) Err() error {
	for _, name := range slices.Sorted(maps.Keys(a.Errors)) {
		return fmt.Errorf("%d of %d peers of scenario %s landed: %w", a.Landed[name], a.Planned[name], name, a.Errors[name][0])
	}
	return nil
}
