package main

import (
	"iter"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admission"
)

// envPrefix is the prefix of the environment variables that the Node.js PigeonHub
// does not have.
const envPrefix = "PIGEONHUB_"

// setting is one setting: a flag, an environment variable, a key of the configuration
// file, a default, and a field of config. Flags, --help, --print-config, the messages about bad values and the table
// in README.md are made from the list of them.
type setting struct {
	name   string // of the flag
	env    string // the variable of the Node.js PigeonHub; "" means envPrefix and the name
	value  value
	def    string
	defDoc string // what README.md says if def depends on the machine
	help   string
	secret bool // never printed
	fixed  bool // a change needs a restart
	list   bool // its flag may be given more than once

	text, from string // the value as it was given, and where; set by resolve
}

// section is a group of settings with a title.
type section struct {
	title    string
	settings []*setting
}

// variable returns the name of the environment variable.
func (s *setting) variable() string {
	if s.env != "" {
		return s.env
	}
	return s.ours()
}

// ours returns the variable's name with envPrefix. It works too for a setting that has a
// name of the Node.js PigeonHub, unless Kubernetes uses it.
func (s *setting) ours() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

// setting returns the setting of a name, or nil.
func (c *config) setting(name string) *setting {
	for s := range c.all() {
		if s.name == name {
			return s
		}
	}
	return nil
}

// all yields every setting.
func (c *config) all() iter.Seq[*setting] {
	return func(yield func(*setting) bool) {
		for _, section := range c.sections {
			for _, s := range section.settings {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// settings returns the list. The defaults of the hub are those of hub.Config.
func (c *config) settings() []section {
	d := hub.Config{}.WithDefaults()
	return []section{
		{"Where settings are", c.source()},
		{"Where to listen", c.listening()},
		{"Who may connect", c.admission(d)},
		{"What a peer may send", c.inbound(d)},
		{"What may wait for a peer", c.outbound(d)},
		{"Hub role", c.role(d)},
		{"Shutdown", c.shutdown(d)},
		{"Memory", c.memory(d.Memory)},
		{"Pages and logs", c.reporting()},
	}
}

// source returns the setting that is resolved first.
func (c *config) source() []*setting {
	return []*setting{
		{name: "config", fixed: true, value: text(&c.file, "FILE"),
			help: "YAML file with settings by the names of their flags, such as \"port: 3000\"; a list may be a sequence"},
	}
}

func (c *config) listening() []*setting {
	return []*setting{
		{name: "port", fixed: true, env: "PORT", def: "3000", value: whole(&c.port, 0, 65535),
			help: "port for peers; 0 takes any free port"},
		{name: "host", fixed: true, env: "HOST", def: "0.0.0.0", value: text(&c.host, "ADDRESS"),
			help: "address for peers; 0.0.0.0 is every interface"},
		{name: "port-retries", fixed: true, def: "10", value: whole(&c.portRetries, 0, 1000),
			help: "how many of the next ports to try if the port is busy"},
		{name: "tls-cert", fixed: true, value: text(&c.tlsCert, "FILE"),
			help: "certificate chain, PEM; read again when the file changes, and by a reload"},
		{name: "tls-key", fixed: true, value: text(&c.tlsKey, "FILE"),
			help: "private key of the certificate, PEM"},
		{name: "admin-address", fixed: true, def: "127.0.0.1:6060", value: orOff(&c.adminAddress, "", address(&c.adminAddress)),
			help: "address of the operator's pages: metrics, profiles, state. If other machines can reach it, they ask for admin-token. If the port is busy, the next free one is taken"},
	}
}

func (c *config) admission(d hub.Config) []*setting {
	h := &c.hub
	return []*setting{
		{name: "max-connections", env: "MAX_CONNECTIONS", def: strconv.Itoa(d.MaxConnections), defDoc: "descriptor limit - 100",
			value: whole(&h.MaxConnections, 1, 10_000_000), help: "connections at once; the default is 100 below the descriptor limit of the process"},
		{name: "auth-token", env: "AUTH_TOKEN", value: text(&h.AuthToken, "TOKEN"), secret: true,
			help: "token that every peer must send, as bearer token or query parameter \"token\"; without it every peer may connect. " +
				"Prefer the variable: process lists show flags"},
		{name: "auth-tokens", value: tokens(&h.AuthTokens), list: true, secret: true,
			help: "further tokens, to change one without a gap: NEW,OLD@2026-12-31T00:00:00Z; from its time on a token lets no more peers in"},
		{name: "jwt-key", value: text(&c.jwt.KeyFile, "FILE"),
			help: "accept JSON Web Tokens, too, that this key verifies: an RSA (RS256) or Ed25519 (EdDSA) public key or certificate, PEM, or a secret " +
				"of at least 32 bytes (HS256). Their claims may be sub, peer_id, networks and hub; exp is needed"},
		{name: "jwt-jwks", value: text(&c.jwt.JWKS, "FILE"),
			help: "the same with a JSON Web Key Set: a file or an https URL"},
		{name: "jwt-refresh", def: "1h", value: duration(&c.jwt.Refresh, 10*time.Second, 24*time.Hour),
			help: "how often jwt-jwks is loaded again; a token with an unknown key has it loaded within 10s"},
		{name: "jwt-issuer", value: text(&c.jwt.Issuer, "ISSUER"),
			help: "what the claim iss must be; without it every issuer with the key is accepted"},
		{name: "jwt-audience", value: text(&c.jwt.Audience, "AUDIENCE"),
			help: "what the claim aud must have"},
		{name: "token-connections", def: "off", value: orOff(&h.TokenSessions, 0, whole(&h.TokenSessions, 1, 10_000_000)),
			help: "connections at once with one token, or of one subject of JSON Web Tokens; more are refused with HTTP status 429"},
		{name: "network-connections", def: "off", value: orOff(&h.NetworkSessions, 0, whole(&h.NetworkSessions, 1, 10_000_000)),
			help: "peers in one network at once; to one more the announce is answered with an error"},
		{name: "allowed-origins", def: "*", value: origins(&h.AllowedOrigins), list: true,
			help: "origins of the pages that may connect, such as https://example.org,https://example.net; programs that send no origin always may"},
		{name: "capacity-503", def: strconv.FormatBool(d.CapacityStatus), value: boolean(&h.CapacityStatus),
			help: "when full, refuse with HTTP status 503, not with close code 1008 as the Node.js hub does"},
		{name: "retry-after", def: short(d.RetryAfter), value: duration(&h.RetryAfter, time.Second, time.Hour),
			help: "Retry-After of a 429 or 503 response"},
		{name: "address-connections", def: "auto",
			value: orWord(&h.AddressSessions, "auto", 0, orOff(&h.AddressSessions, -1, whole(&h.AddressSessions, 1, 10_000_000))),
			help: "connections of one address at once (of one /64 of IPv6); more are refused with HTTP status 429; " +
				"auto is half of max-connections, but 100 at least"},
		{name: "prefix-connections", def: "auto",
			value: orWord(&h.PrefixSessions, "auto", 0, orOff(&h.PrefixSessions, -1, whole(&h.PrefixSessions, 1, 10_000_000))),
			help:  "connections of one /24 at once (of one /48 of IPv6); auto is three quarters of max-connections, but 100 at least"},
		{name: "address-rate", def: decimal(d.AddressRate), value: perSecond(&h.AddressRate),
			help: "new connections of one address a second"},
		{name: "address-burst", def: strconv.Itoa(d.AddressBurst), value: whole(&h.AddressBurst, 1, 10_000_000),
			help: "new connections of one address at once"},
		{name: "id-reservation", def: short(d.IDReservation), value: orOff(&h.IDReservation, -1, duration(&h.IDReservation, time.Second, time.Hour)),
			help: "how long the id of a peer that was cut as a slow consumer is kept for its address"},
		{name: "exempt-addresses", fixed: true, def: "private", list: true,
			value: orWord(&h.ExemptAddresses, "private", nil, orWord(&h.ExemptAddresses, "none", []netip.Prefix{}, prefixes(&h.ExemptAddresses))),
			help: "addresses without the limits above, such as those of a reverse proxy: 203.0.113.7,2001:db8::/32; " +
				"private is loopback, link-local and private networks, none is no address"},
		{name: "trusted-proxies", def: "none", list: true,
			value: orWord(&h.TrustedProxies, "none", nil, orWord(&h.TrustedProxies, "private", admission.DefaultExempt(), prefixes(&h.TrustedProxies))),
			help: "addresses of reverse proxies, which name the client in address-header; private is as above. " +
				"The limits and the log then go by the client. Nobody else may connect from these addresses, because the header can be forged"},
		{name: "address-header", def: d.AddressHeader, value: headerName(&h.AddressHeader),
			help: "header in which trusted proxies name the client: X-Forwarded-For, Forwarded, or one that holds a single address, such as Fly-Client-IP"},
		{name: "probe-timeout", def: short(d.ProbeTimeout), value: duration(&h.ProbeTimeout, 10*time.Millisecond, time.Minute),
			help: "how long a newcomer waits for a sign of life of the peer that holds its id"},
	}
}

func (c *config) inbound(d hub.Config) []*setting {
	h := &c.hub
	return []*setting{
		{name: "max-message-bytes", def: inUnits(d.MaxMessageBytes), value: size(&h.MaxMessageBytes, 1<<10, 1<<30),
			help: "one message"},
		{name: "max-announce-bytes", def: inUnits(d.MaxAnnounceBytes), value: size(&h.MaxAnnounceBytes, 64, 1<<30),
			help: "data of one announce, which every member of the network receives"},
		{name: "read-bytes-total", def: inUnits(d.ReadBytesTotal), value: size(&h.ReadBytesTotal, 4<<10, 1<<40),
			help: "memory for messages over 4KiB being read, together; above it the senders that hold most for longest are disconnected"},
		{name: "message-rate", def: decimal(d.MessageRate), value: perSecond(&h.MessageRate),
			help: "messages a second, each started 4KiB counting as one"},
		{name: "message-burst", def: strconv.Itoa(d.MessageBurst), value: whole(&h.MessageBurst, 1, 1_000_000),
			help: "messages at once"},
		{name: "announce-rate", def: decimal(d.AnnounceRate), value: perSecond(&h.AnnounceRate),
			help: "announces a second, each started KiB and each 256 members counting as one"},
		{name: "announce-burst", def: strconv.Itoa(d.AnnounceBurst), value: whole(&h.AnnounceBurst, 1, 1_000_000),
			help: "announces at once"},
		{name: "first-message-timeout", def: short(d.FirstMessageTimeout), value: duration(&h.FirstMessageTimeout, 10*time.Millisecond, 24*time.Hour),
			help: "from the greeting to the first message"},
		{name: "message-timeout", def: short(d.MessageTimeout), value: duration(&h.MessageTimeout, 10*time.Millisecond, 24*time.Hour),
			help: "from the first to the last frame of a message"},
	}
}

func (c *config) outbound(d hub.Config) []*setting {
	h := &c.hub
	return []*setting{
		{name: "queue-bytes", def: inUnits(d.QueueBytes), value: size(&h.QueueBytes, 4<<10, 1<<30),
			help: "unsent bytes for one peer and the memory for them; above it the peer is disconnected"},
		{name: "queue-bytes-total", def: inUnits(d.QueueBytesTotal), value: size(&h.QueueBytesTotal, 4<<10, 1<<40),
			help: "memory for unsent bytes of all peers, a frame for many counted once, and for announce data, which may take half; above it the peers with most unsent are disconnected"},
		{name: "write-timeout", def: short(d.WriteTimeout), value: duration(&h.WriteTimeout, 10*time.Millisecond, time.Hour),
			help: "for each 64KiB written"},
		{name: "ping-interval", def: short(d.PingInterval), value: duration(&h.PingInterval, 10*time.Millisecond, 24*time.Hour),
			help: "silence before a ping; keep it below the idle timeout of proxies in between"},
		{name: "pong-timeout", def: short(d.PongTimeout), value: duration(&h.PongTimeout, 10*time.Millisecond, time.Hour),
			help: "silence after a ping before the peer is disconnected"},
		{name: "close-timeout", def: short(d.CloseTimeout), value: duration(&h.CloseTimeout, 10*time.Millisecond, time.Minute),
			help: "for the peer's answer to a close frame"},
		{name: "park-after", fixed: true, def: short(d.ParkAfter), value: orOff(&h.ParkAfter, -1, duration(&h.ParkAfter, time.Millisecond, 24*time.Hour)),
			help: "silence after which a peer has no goroutine until it speaks again: less memory; on Linux without TLS"},
	}
}

func (c *config) role(d hub.Config) []*setting {
	h := &c.hub
	return []*setting{
		{name: "is-hub", fixed: true, def: "true", value: boolean(&h.IsHub),
			help: "introduce hubs that connect to all peers"},
		{name: "mesh-namespace", fixed: true, env: "HUB_MESH_NAMESPACE", def: d.MeshNamespace, value: text(&h.MeshNamespace, "NAME"),
			help: "the network in which hubs meet"},
		{name: "hub-key", value: text(&h.HubKey, "KEY"), secret: true,
			help: "a peer that sends this as its token may be a hub"},
		{name: "hub-peer-ids", env: "HUB_PEER_IDS", value: peerIDs(&h.HubPeerIDs), list: true,
			help: "peers that may be hubs"},
		{name: "relay-renegotiation", def: strconv.FormatBool(d.RelayRenegotiation), value: boolean(&h.RelayRenegotiation),
			help: "relay renegotiation, ICE restart and rejection messages, which the Node.js hub answers with an error"},
	}
}

func (c *config) shutdown(d hub.Config) []*setting {
	return []*setting{
		{name: "shutdown-timeout", def: "15s", value: duration(&c.shutdownTimeout, 10*time.Millisecond, time.Hour),
			help: "time from SIGTERM until open connections are cut; the supervisor must wait longer"},
		{name: "drain-window", def: short(d.DrainWindow),
			value: orOff(&c.hub.DrainWindow, -1, duration(&c.hub.DrainWindow, time.Millisecond, time.Hour)),
			help:  "time over which the closes are spread, so that the peers do not all reconnect at once"},
		{name: "drain-close-code", def: strconv.Itoa(d.DrainCloseCode), value: oneOf(&c.hub.DrainCloseCode, "CODE",
			option[int]{"1000", 1000}, option[int]{"1001", 1001}, option[int]{"1012", 1012}, option[int]{"1013", 1013}),
			help: "close code of a shutdown: 1000, 1001, 1012 or 1013"},
	}
}

func (c *config) memory(d hub.MemoryConfig) []*setting {
	m := &c.hub.Memory
	return []*setting{
		{name: "memory-limit", fixed: true, def: "auto", value: orWord(&m.Limit, "auto", 0, size(&m.Limit, 16<<20, 1<<50)),
			help: "memory that the process may use; auto is the limit of the container, else the memory of the machine. " +
				"New peers are refused above 90% of it. Unless GOMEMLIMIT is set, Go's own limit is 75% of the container's limit, or of the value given here"},
		{name: "memory-interval", fixed: true, def: short(d.Interval), value: orOff(&m.Interval, -1, duration(&m.Interval, 10*time.Millisecond, 24*time.Hour)),
			help: "between two log lines about memory; off also means that no peer is refused for memory"},
		{name: "memory-rss-warn", fixed: true, def: inUnits(d.RSSWarn), value: size(&m.RSSWarn, 1<<20, 1<<50),
			help: "resident memory above which such a line is a warning"},
		{name: "memory-heap-collect", fixed: true, def: inUnits(d.HeapCollect), value: size(&m.HeapCollect, 1<<20, 1<<50),
			help: "heap above which a garbage collection is forced, once an interval"},
		{name: "leak-period", fixed: true, def: short(d.LeakPeriod), value: orOff(&m.LeakPeriod, -1, duration(&m.LeakPeriod, time.Second, 7*24*time.Hour)),
			help: "the hub compares the quietest moments of such periods and warns of a collection that grows from one to the next; it needs memory-interval"},
	}
}

func (c *config) reporting() []*setting {
	return []*setting{
		{name: "admin-token", value: orWord(&c.adminOpen, "none", true, text(&c.adminToken, "TOKEN")), secret: true,
			help: "token that the operator's pages and public-metrics ask for, as bearer token or as password of any user. Without it other machines " +
				"get no operator's page; none means that they get them all. Only with it can the page disconnect peers and drain the hub"},
		{name: "cors-origin", env: "CORS_ORIGIN", def: "*", value: text(&c.public.CORSOrigin, "ORIGIN"),
			help: "origin of the pages that may read /health and /hubs"},
		{name: "hide-details", def: "false", value: boolean(&c.public.HideDetails),
			help: "give the details of /health and /hubs only to requests with the token"},
		{name: "public-metrics", def: "false", value: boolean(&c.public.Metrics),
			help: "serve /metrics on the port for peers, too, to requests with admin-token, or else with a token of peers; one of them is needed"},
		{name: "log-level", def: "info", value: oneOf(&c.logLevel, "LEVEL",
			option[slog.Level]{"debug", slog.LevelDebug}, option[slog.Level]{"info", slog.LevelInfo},
			option[slog.Level]{"warn", slog.LevelWarn}, option[slog.Level]{"error", slog.LevelError}),
			help: "debug, info, warn or error"},
		{name: "log-format", fixed: true, def: "auto", value: oneOf(&c.logFormat, "FORMAT",
			option[string]{"auto", "auto"}, option[string]{"text", "text"}, option[string]{"json", "json"}),
			help: "text, json, or auto: text on a terminal, else json"},
	}
}
