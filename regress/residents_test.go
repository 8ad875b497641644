package regress_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// residentSpecs is the text of the specs of residents.
const residentSpecs = "a hub in which some peers stay"

// Residents have a campaign of their own, in which no timeout ends them on a slow machine.
var _ = Describe(residentSpecs, Serial, func() {
	It("collects nothing of what they see, and nothing stays when they leave", Label("quick"), func(ctx SpecContext) {
		Expect(residentWorld(residentConfig()).judge(ctx)).To(LeakNothing())
	}, SpecTimeout(5*time.Minute))

	// A session that is not parked, as over TLS and on other systems, has its goroutine from the first
	// message to the last.
	It("collects nothing of what they see, if they are not parked", Label("wide"), func(ctx SpecContext) {
		cfg := residentConfig()
		cfg.ParkAfter = -1
		w := residentWorld(cfg)
		w.campaign.Name = "regress, residents that are not parked"
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(5*time.Minute))

	It("collects nothing of their sessions before, when they come back", Label("wide"), func(ctx SpecContext) {
		Expect(returningWorld().judge(ctx)).To(LeakNothing())
	}, SpecTimeout(5*time.Minute))

	It("collects nothing of what they see, if it is no mutant", Label("power"), func(ctx SpecContext) {
		w := residentWorld(residentConfig())
		w.campaign.Uncontrolled = true
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(2*time.Minute))
})

// residentConfig returns a configuration in which no rate limits residents. It counts the sessions
// of the addresses that manyAddresses returns.
func residentConfig() hub.Config {
	cfg := patientConfig()
	cfg.ExemptAddresses, cfg.AddressRate, cfg.AddressBurst = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/24")}, 10_000, 10_000
	cfg.AnnounceRate, cfg.ProbeTimeout, cfg.MaxSubscriptions = -1, 10*time.Second, 2
	return cfg
}

// residentWorld returns a hub and a campaign of residents and a few visitors.
func residentWorld(cfg hub.Config) *world {
	GinkgoHelper()
	w := stayingWorld(cfg)
	w.follow()
	visitors := slices.DeleteFunc(harness.Scenarios(), func(s harness.Scenario) bool {
		return !slices.Contains([]string{"clean", "goodbye", "rst", "roam", "signal"}, s.Name)
	})
	w.campaign.Name = "regress, residents"
	visitors = append(visitors, harness.Scenario{Name: "one-too-many", Live: w.oneTooMany})
	if runtime.GOOS == "linux" { // which has all addresses of 127.0.0.0/8
		w.campaign.Crowd.From = manyAddresses()
		visitors = append(visitors, harness.Scenario{Name: "resident-lag", Live: w.lag, Residents: 1})
	}
	w.campaign.Crowd.Scenarios = append(visitors, harness.Residents()...)
	w.campaign.Peers = func(scenario string) int {
		switch {
		case scenario == "resident-guest", scenario == "resident-probe": // each is a peer
			return 60
		case scenario == "resident-lag": // each is megabytes
			return 30
		case strings.HasPrefix(scenario, "resident-"):
			return 300
		}
		return 40
	}
	return w
}

// returningWorld returns a hub that soon gives up half-open connections, and a campaign of residents
// that come back.
func returningWorld() *world {
	GinkgoHelper()
	cfg := patientConfig()
	cfg.AnnounceRate, cfg.ProbeTimeout = -1, 200*time.Millisecond
	w := stayingWorld(cfg)
	w.campaign.Name, w.campaign.Crowd.Scenarios = "regress, returning residents", append(harness.Scenarios()[:1], harness.Returning()...)
	w.campaign.Peers = func(string) int { return 40 }
	w.campaign.Detectors = slices.DeleteFunc(w.campaign.Detectors, func(d detect.Detector) bool {
		return !slices.Contains([]string{"goroutines", "sites", "census"}, d.Name())
	})
	return w
}

// stayingWorld returns a hub whose residents are watched, and a campaign without scenarios.
func stayingWorld(cfg hub.Config) *world {
	GinkgoHelper()
	w := startWorld(cfg, hubtest.Start)
	for _, d := range w.campaign.Detectors {
		if c, ok := d.(*detect.Census); ok {
			c.Lock = atRest{w.target.Hub, cfg.ParkAfter > 0 && runtime.GOOS == "linux"}
		}
	}
	w.staying.Paths, w.staying.Roots = true, w.target.Roots()
	w.campaign.Departure = []detect.Detector{&detect.Descriptors{}, &detect.Goroutines{}, &detect.Gauges{Target: w.target}, w.staying}
	w.campaign.Cycles = 3
	return w
}

// follow holds two subscriptions to the hub until the end of the spec. One is read, the other has
// stalled.
func (w *world) follow() {
	GinkgoHelper()
	s, err := w.target.Hub.Subscribe("resident")
	Expect(err).NotTo(HaveOccurred())
	stalled, err := w.target.Hub.Subscribe("stalled")
	Expect(err).NotTo(HaveOccurred())
	var reader sync.WaitGroup
	ended := make(chan struct{})
	reader.Go(func() {
		for {
			select {
			case <-s.Events():
			case <-ended:
				return
			}
		}
	})
	DeferCleanup(func() {
		close(ended)
		reader.Wait()
		s.Close()
		stalled.Close()
	})
}

// manyAddresses returns a function that returns another local address each time, in a /24 of its own
// and not in 127.0.0.0/24. After 64,770 it begins anew.
func manyAddresses() func() net.Addr {
	var n atomic.Uint32
	return func() net.Addr {
		i := n.Add(1)
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, byte(1 + i/255%254), byte(i % 255), 1}), 0))
	}
}

// lag is an event of a resident that stops reading until messages of a guest fill more than a quarter
// of its queue. What is beyond that the hub counts by the address of the sender. The resident must be
// the only one of its scenario.
func (w *world) lag(ctx context.Context, v *harness.Visit) error {
	guest := v.Beside("and a guest", v.Other)
	if err := guest.Join(ctx, v.Network); err != nil {
		return err
	}
	resume := v.StopReading()
	defer resume()
	if err := v.Conn().NetConn().(*net.TCPConn).SetReadBuffer(64 << 10); err != nil { // else the kernel takes megabytes
		return err
	}
	data := longText(32 << 10)
	for enough := int64(w.config.QueueBytes/4 + len(data)); w.target.Hub.Stats().QueuedBytes <= enough; {
		if err := guest.Signal(wire.KindOffer, v.ID, data); err != nil {
			return err
		}
		if _, err := guest.Fence(ctx); err != nil { // the hub has handled it
			return err
		}
	}
	resume()
	if _, err := v.Fence(ctx); err != nil {
		return err
	}
	if err := guest.Close(ctx); err != nil {
		return err
	}
	return v.WantGone(ctx, guest.ID)
}

// oneTooMany subscribes to a hub that has as many subscriptions as it permits, and visits it.
func (w *world) oneTooMany(ctx context.Context, v *harness.Visit) error {
	switch s, err := w.target.Hub.Subscribe(v.Name); {
	case err == nil:
		s.Close()
		return errors.New("the hub accepted a third subscription")
	case !errors.Is(err, hub.ErrTooManySubscriptions):
		return err
	}
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	return v.Close(ctx)
}

// atRest is the lock of a census that walks the sessions of residents.
type atRest struct {
	hub   *hub.Hub
	parks bool // sessions without traffic
}

// Lock waits until all sessions are parked, because a reader changes what the census walks (without
// parking, readers wait for bytes then), and until the monitor has swept the addresses of visitors. Each
// session has an address and a prefix.
func (r atRest) Lock() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = settle.Until(ctx, func() error {
		st := r.hub.Stats()
		if r.parks && st.Parked != st.Sessions || st.Addresses > 2*st.Sessions {
			return fmt.Errorf("%d of %d sessions are parked, %d addresses are known", st.Parked, st.Sessions, st.Addresses)
		}
		return nil
	})
}

// Unlock takes the hub's locks, so that what wakes a session happens after the walk.
func (r atRest) Unlock() { r.hub.Stats() }
