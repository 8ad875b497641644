package hub

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Config configures a Hub. The zero value of a field stands for its default. A
// negative rate or interval switches the feature off where the comment says so.
type Config struct {
	Logger *slog.Logger // nil discards. A handler that blocks blocks the hub, Shutdown included
	Trace  *Trace       // nil traces nothing

	// Admission.
	MaxConnections int           // sessions at once; default: 100 below the descriptor limit, 65,436 if there is none
	AuthToken      string        // token that every peer must send, as bearer token or query parameter "token"; "" asks for none
	AuthTokens     []AuthToken   // further tokens, such as the next one while peers still send the old one
	TokenSessions  int           // sessions at once with one token, or of one Grant.Subject; default unlimited
	AllowedOrigins []string      // Origin values that may connect, "*" for all; a request without Origin always may. Default: all
	ProbeTimeout   time.Duration // how long a newcomer waits for a sign of life of its id's holder, at most twice; default 5s
	RetryAfter     time.Duration // Retry-After of a 429 or 503 response; default 5s

	// Authorize decides about a token that is none of the above; nil refuses it. The error is
	// why the token is refused: it is logged and sent to the client, so it must not quote the
	// token. Authorize is called concurrently, before the handshake, and must not block.
	Authorize func(token string) (Grant, error)

	NetworkSessions int // members of one network at once; default unlimited

	// What one address may have. Exempt addresses have no limits, by default those of
	// loopback and of private networks: see package hub/admission.
	AddressSessions int            // sessions of one address at once; default half of MaxConnections, but 100 at least; negative unlimited
	PrefixSessions  int            // sessions of one /24, or /48 of IPv6, at once; default three quarters, but 100 at least; negative unlimited
	AddressRate     float64        // new sessions of one address a second; default 100, negative unlimited
	AddressBurst    int            // new sessions of one address at once; default 1000
	IDReservation   time.Duration  // how long the id of a peer that was cut as a slow consumer is kept for its address; default 30s, negative not at all
	ExemptAddresses []netip.Prefix // nil stands for admission.DefaultExempt

	// Behind reverse proxies the address of a connection is the proxy's. A request from a
	// trusted one has the address of the client in a header, which others may forge.
	TrustedProxies []netip.Prefix // default none
	AddressHeader  string         // X-Forwarded-For, Forwarded, or one that holds a single address, such as Fly-Client-IP; default X-Forwarded-For

	// What one session may send.
	MaxMessageBytes     int64         // one message; default 1 MiB
	MaxAnnounceBytes    int           // data of one announce, which every member receives; default 8 KiB
	ReadBytesTotal      int64         // memory for messages over 4 KiB being read, together; above it the senders that hold most for longest are cut, of messages over 64 KiB first. Default 64 MiB
	MessageRate         float64       // messages a second, each started 4 KiB counting as one; default 100, negative unlimited
	MessageBurst        int           // messages at once; default 500
	AnnounceRate        float64       // announces a second, each started KiB and each 256 members counting as one; default 2, negative unlimited
	AnnounceBurst       int           // announces at once; default 20
	FirstMessageTimeout time.Duration // from the greeting to the first message; default 30s
	MessageTimeout      time.Duration // from the first to the last frame of a message; default 30s

	// What may wait for one session, and how long.
	QueueBytes      int           // unsent bytes of one session and the memory for them, unless they are a single message; default 8 MiB, about 20,000 introductions
	QueueBytesTotal int64         // memory for the unsent bytes of all sessions, what many are to get counted once, and for announce data, which may take half; above it the sessions with most unsent are cut, and above the half peers are introduced without their announce data. Default 256 MiB
	WriteTimeout    time.Duration // for each 64 KiB written; default 10s
	PingInterval    time.Duration // silence before a ping, less a random part of up to a fifth; default 25s
	PongTimeout     time.Duration // silence after a ping before the session ends; default 10s
	CloseTimeout    time.Duration // for the peer's answer to a close frame; default 2s
	ParkAfter       time.Duration // silence after which a peer on plain TCP on Linux has no goroutine until it speaks again; default 1s, negative never

	// Hub role.
	IsHub         bool          // this server is a hub: hubs that connect are introduced to all its peers
	MeshNamespace string        // the network in which hubs meet; default "pigeonhub-mesh"
	HubKey        string        // a peer that sends this as its token may be a hub
	HubPeerIDs    []wire.PeerID // these peers may be hubs; ids are not secret, so prefer HubKey

	// Changes that a shipped client can notice (protocol section 10), off by default.
	RelayRenegotiation bool // relay connection-rejected, renegotiation-*, ice-restart-* and recovery-offer instead of answering with an error
	CapacityStatus     bool // when full, answer 503 with Retry-After before the upgrade, not close code 1008 after it
	DrainCloseCode     int  // close code of a shutdown: 1000, 1001, 1012 or 1013; default 1000

	MaxSubscriptions int           // default 20
	DrainWindow      time.Duration // a shutdown spreads its closes over this, or over 5ms for each session if that is less; default 5s, negative closes all at once

	Memory MemoryConfig
}

// Defaults of Config.
const (
	DefaultMaxSubscriptions = 20
	descriptorReserve       = 100 // descriptors kept free for health checks and refusals
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
	set(&c.AddressSessions, max(100, c.MaxConnections/2))
	set(&c.PrefixSessions, max(100, c.MaxConnections*3/4))
	set(&c.AddressRate, 100)
	set(&c.AddressBurst, 1000)
	set(&c.IDReservation, 30*time.Second)
	set(&c.AddressHeader, "X-Forwarded-For")
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
	set(&c.ParkAfter, time.Second)
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

// DefaultMaxConnections returns the default of Config.MaxConnections: 100 below the
// descriptor limit of the process at the time of the call.
func DefaultMaxConnections() int {
	return max(1, descriptorLimit()-descriptorReserve)
}
