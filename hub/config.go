package hub

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Config configures a Hub. The zero value of a field stands for the default
// named beside it; a negative rate or interval switches that feature off where
// its comment says so.
type Config struct {
	Logger *slog.Logger // nil discards. A handler that blocks blocks the hub, Shutdown too
	Trace  *Trace       // nil traces nothing

	// Admission.
	MaxConnections int           // sessions at once; default: descriptor limit - 100, or 65,436 where there is none
	AuthToken      string        // bearer token (header, or query parameter "token") every peer must show; "" asks for none
	AllowedOrigins []string      // Origin values let in, "*" for all; a request without Origin passes. Default: all
	ProbeTimeout   time.Duration // how long a newcomer waits for the holder of its id to show life; default 5s
	RetryAfter     time.Duration // hint of a 503 answer; default 5s

	// What one session may send.
	MaxMessageBytes     int64         // one message; default 1 MiB
	MaxAnnounceBytes    int           // data of one announce, which every member receives; default 8 KiB
	ReadBytesTotal      int64         // bytes of the messages over 4 KiB under way; beyond it whoever sends more than an equal share is cut. Default 64 MiB
	MessageRate         float64       // messages a second, each started 4 KiB counting as one; default 100, negative unlimited
	MessageBurst        int           // messages at once; default 500
	AnnounceRate        float64       // announces a second, each started KiB and each 256 members counting as one; default 2, negative unlimited
	AnnounceBurst       int           // announces at once; default 20
	FirstMessageTimeout time.Duration // from upgrade to first message; default 30s
	MessageTimeout      time.Duration // from the first to the last frame of a message; default 30s

	// What may wait for one session, and how long.
	QueueBytes      int           // unsent bytes of one session, but for a single message; default 8 MiB, the list of some 20,000 members
	QueueBytesTotal int64         // unsent bytes of all; beyond it those that hold most are cut. Default 256 MiB
	WriteTimeout    time.Duration // for every 64 KiB written; default 10s
	PingInterval    time.Duration // silence before a ping, less up to a fifth; default 25s
	PongTimeout     time.Duration // silence after a ping before the session ends; default 10s
	CloseTimeout    time.Duration // for the peer's half of a close; default 2s

	// Hub role.
	IsHub         bool          // this server is a hub: peers that are hubs hear of all peers
	MeshNamespace string        // the network in which hubs meet; default "pigeonhub-mesh"
	HubKey        string        // a peer that shows this bearer token may be a hub
	HubPeerIDs    []wire.PeerID // these peers may be hubs; ids are no secret, so prefer HubKey where hubs can show one

	// Changes that a shipped client can see (protocol section 10): off by default.
	RelayRenegotiation bool // relay connection-rejected, renegotiation-*, ice-restart-* and recovery-offer instead of answering error
	CapacityStatus     bool // when full answer 503 with Retry-After before the upgrade, not 1008 after it
	DrainCloseCode     int  // close code of a shutdown: 1000, 1001, 1012 or 1013; default 1000

	MaxSubscriptions int           // default 20
	DrainWindow      time.Duration // a shutdown spreads its closes over this, or 5ms for each session if that is less; default 5s, negative closes all at once

	Memory MemoryConfig
}

// Defaults of Config that other packages quote.
const (
	DefaultMaxSubscriptions = 20
	descriptorReserve       = 100 // kept free so that health checks and refusals still get in
)

// WithDefaults returns c with every zero field set to its default.
func (c Config) WithDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Trace == nil {
		c.Trace = &Trace{}
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = DefaultMaxConnections()
	}
	set(&c.MaxMessageBytes, wire.MaxMessageBytes)
	set(&c.MaxAnnounceBytes, 8<<10)
	set(&c.ReadBytesTotal, 64<<20)
	set(&c.MessageRate, 100)
	set(&c.MessageBurst, 500)
	set(&c.AnnounceRate, 2)
	set(&c.AnnounceBurst, 20)
	set(&c.QueueBytes, 8<<20)
	set(&c.QueueBytesTotal, 256<<20)
	set(&c.MeshNamespace, wire.DefaultMeshNamespace)
	set(&c.DrainCloseCode, wire.CodeNormal)
	set(&c.MaxSubscriptions, DefaultMaxSubscriptions)
	set(&c.ProbeTimeout, 5*time.Second)
	set(&c.RetryAfter, 5*time.Second)
	set(&c.FirstMessageTimeout, 30*time.Second)
	set(&c.MessageTimeout, 30*time.Second)
	set(&c.WriteTimeout, 10*time.Second)
	set(&c.PingInterval, 25*time.Second)
	set(&c.PongTimeout, 10*time.Second)
	set(&c.CloseTimeout, 2*time.Second)
	set(&c.DrainWindow, 5*time.Second)
	c.Memory = c.Memory.withDefaults()
	return c
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// DefaultMaxConnections is MaxConnections when none is configured: about 100
// below the descriptor limit of the process at the time of the call.
func DefaultMaxConnections() int {
	return max(1, descriptorLimit()-descriptorReserve)
}

// Validate returns an error that names every field that holds what it must not,
// after WithDefaults. New calls it.
func (c Config) Validate() error {
	c = c.WithDefaults()
	var errs []error
	atLeast := func(name string, value, low float64) {
		if value < low || math.IsNaN(value) {
			errs = append(errs, fmt.Errorf("%s is %v, must be at least %v", name, value, low))
		}
	}
	for name, rate := range map[string]float64{"MessageRate": c.MessageRate, "AnnounceRate": c.AnnounceRate} {
		if math.IsNaN(rate) || math.IsInf(rate, 0) {
			errs = append(errs, fmt.Errorf("%s is %v, must be a number", name, rate))
		}
	}
	atLeast("MaxConnections", float64(c.MaxConnections), 1)
	atLeast("MaxMessageBytes", float64(c.MaxMessageBytes), 1)
	atLeast("MaxAnnounceBytes", float64(c.MaxAnnounceBytes), 2)
	atLeast("MessageBurst", float64(c.MessageBurst), 1)
	atLeast("AnnounceBurst", float64(c.AnnounceBurst), 1)
	atLeast("QueueBytes", float64(c.QueueBytes), 4096)
	atLeast("QueueBytesTotal", float64(c.QueueBytesTotal), 4096)
	atLeast("ReadBytesTotal", float64(c.ReadBytesTotal), 4096)
	atLeast("Memory.RSSWarn", float64(c.Memory.RSSWarn), 1)
	atLeast("Memory.HeapCollect", float64(c.Memory.HeapCollect), 1)
	atLeast("Memory.Limit", float64(c.Memory.Limit), 0)
	atLeast("MaxSubscriptions", float64(c.MaxSubscriptions), 1)
	for name, d := range map[string]time.Duration{
		"ProbeTimeout": c.ProbeTimeout, "RetryAfter": c.RetryAfter,
		"FirstMessageTimeout": c.FirstMessageTimeout, "MessageTimeout": c.MessageTimeout,
		"WriteTimeout": c.WriteTimeout, "PingInterval": c.PingInterval,
		"PongTimeout": c.PongTimeout, "CloseTimeout": c.CloseTimeout,
		"Memory.Sample": c.Memory.Sample,
	} {
		if d < time.Millisecond {
			errs = append(errs, fmt.Errorf("%s is %v, must be at least 1ms", name, d))
		}
	}
	if c.Memory.Interval >= 0 && c.Memory.Interval < 10*time.Millisecond {
		errs = append(errs, fmt.Errorf("Memory.Interval is %v, must be at least 10ms, or negative", c.Memory.Interval))
	}
	if c.MeshNamespace == wire.DefaultNetwork {
		errs = append(errs, fmt.Errorf("MeshNamespace is %q, the network of peers that name none", c.MeshNamespace))
	}
	switch c.DrainCloseCode {
	case 1000, 1001, 1012, 1013:
	default:
		errs = append(errs, fmt.Errorf("DrainCloseCode is %d, must be 1000, 1001, 1012 or 1013", c.DrainCloseCode))
	}
	for _, id := range c.HubPeerIDs {
		if !id.Valid() {
			errs = append(errs, fmt.Errorf("HubPeerIDs holds %.50q, which is not 40 hexadecimal digits", id))
		}
	}
	return errors.Join(errs...)
}
