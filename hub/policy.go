package hub

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/admission"
)

// policy is a configuration that Reconfigure can replace, and what follows from it. It
// never changes: a goroutine that takes it sees the values of one Config.
type policy struct {
	Config
	auth    auth
	clients clientAddresses
}

func newPolicy(cfg Config) *policy {
	p := &policy{Config: cfg, auth: newAuth(cfg)}
	p.clients, _ = newClientAddresses(cfg.TrustedProxies, cfg.AddressHeader) // Validate has checked them
	return p
}

// policy returns the policy in use. No session keeps one.
func (h *Hub) policy() *policy { return h.current.Load() }

// fixed is the part of a Config that Reconfigure does not replace.
type fixed struct {
	Logger           *slog.Logger
	Trace            *Trace
	ExemptAddresses  []netip.Prefix
	IsHub            bool
	MeshNamespace    string
	ParkAfter        time.Duration
	MaxSubscriptions int
	Memory           MemoryConfig
}

func fixedOf(c Config) fixed {
	return fixed{c.Logger, c.Trace, c.ExemptAddresses, c.IsHub, c.MeshNamespace, c.ParkAfter, c.MaxSubscriptions, c.Memory}
}

func (f fixed) setIn(c *Config) {
	c.Logger, c.Trace, c.ExemptAddresses, c.IsHub = f.Logger, f.Trace, f.ExemptAddresses, f.IsHub
	c.MeshNamespace, c.ParkAfter, c.MaxSubscriptions, c.Memory = f.MeshNamespace, f.ParkAfter, f.MaxSubscriptions, f.Memory
}

// Reconfigure replaces the configuration while the hub runs. Logger, Trace,
// ExemptAddresses, IsHub, MeshNamespace, ParkAfter, MaxSubscriptions and Memory stay as they
// are. If cfg is invalid, Reconfigure changes nothing and returns the error of Validate.
//
// It ends no session. What a connection must show, and limits of their number, apply to
// new connections; MaxMessageBytes to new and to parked ones. Rates and bounds in bytes
// apply from a session's next message on, durations from the next wait on.
func (h *Hub) Reconfigure(cfg Config) error {
	cfg = cfg.WithDefaults()
	h.cfg.setIn(&cfg)
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("hub: config: %w", err)
	}
	p := newPolicy(cfg)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current.Store(p)
	h.addresses.SetLimits(addressLimits(cfg))
	return nil
}

// Config returns the configuration in use, with its defaults. The caller does not modify
// what it refers to.
func (h *Hub) Config() Config { return h.policy().Config }

func addressLimits(cfg Config) admission.Config {
	return admission.Config{
		Sessions: cfg.AddressSessions, PrefixSessions: cfg.PrefixSessions,
		Rate: cfg.AddressRate, Burst: cfg.AddressBurst, Reserve: cfg.IDReservation, Exempt: cfg.ExemptAddresses,
	}
}
