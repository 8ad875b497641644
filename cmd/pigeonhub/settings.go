package main

import (
	"iter"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
)

// envPrefix begins the environment variables that the original does not have.
const envPrefix = "PIGEONHUB_"

// setting is one thing to configure: a flag, an environment variable, a default,
// and a field of config. Flags, --help, --print-config and the messages about
// bad values all come from the table of them.
type setting struct {
	name   string // of the flag
	env    string // the original's variable; "" for envPrefix and the name
	value  value
	def    string
	help   string
	secret bool // never shown
	list   bool // its flag may be given more than once

	text, from string // filled in by resolve: what was given, and where
}

// section is a group of settings, as --help shows them.
type section struct {
	title    string
	settings []*setting
}

// variable returns the name of the environment variable.
func (s *setting) variable() string {
	if s.env != "" {
		return s.env
	}
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
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

func (c *config) settings() []section {
	return []section{
		{"Where to listen", c.listening()},
		{"Who may connect", c.admission()},
		{"What a peer may send", c.inbound()},
		{"What may wait for a peer", c.outbound()},
		{"Being a hub", c.role()},
		{"The end", c.ending()},
		{"Memory", c.memory()},
		{"What it tells", c.telling()},
	}
}

func (c *config) listening() []*setting {
	return []*setting{
		{name: "port", env: "PORT", def: "3000", value: whole(&c.port, 0, 65535),
			help: "port for peers; 0 takes any free one"},
		{name: "host", env: "HOST", def: "0.0.0.0", value: text(&c.host, "ADDRESS"),
			help: "address for peers; 0.0.0.0 is every interface"},
		{name: "port-retries", def: "10", value: whole(&c.portRetries, 0, 1000),
			help: "how many ports to try after a busy one"},
		{name: "tls-cert", value: text(&c.tlsCert, "FILE"),
			help: "certificate chain, PEM; read again when it changes"},
		{name: "tls-key", value: text(&c.tlsKey, "FILE"),
			help: "its private key, PEM"},
		{name: "admin-address", def: "127.0.0.1:6060", value: orOff(&c.adminAddress, "", address(&c.adminAddress)),
			help: "address for the operator: metrics, profiles, state; it asks for no token. When busy, the next free port is taken"},
	}
}

func (c *config) admission() []*setting {
	h := &c.hub
	return []*setting{
		{name: "max-connections", env: "MAX_CONNECTIONS", def: strconv.Itoa(hub.DefaultMaxConnections()), value: whole(&h.MaxConnections, 1, 10_000_000),
			help: "connections at once; by default 100 less than the process may have descriptors"},
		{name: "auth-token", env: "AUTH_TOKEN", value: text(&h.AuthToken, "TOKEN"), secret: true,
			help: "what peers must show, as bearer token or as query parameter token; none: everybody may connect. A flag shows in process lists, a variable does not"},
		{name: "allowed-origins", def: "*", value: origins(&h.AllowedOrigins), list: true,
			help: "pages that may connect, such as https://example.org,https://example.net; programs that send no origin may always"},
		{name: "capacity-503", def: "false", value: boolean(&h.CapacityStatus),
			help: "when full, refuse with HTTP status 503, not with close code 1008 as the original does"},
		{name: "retry-after", def: "5s", value: duration(&h.RetryAfter, time.Second, time.Hour),
			help: "when a peer refused with 503 should come back"},
		{name: "probe-timeout", def: "5s", value: duration(&h.ProbeTimeout, 10*time.Millisecond, time.Minute),
			help: "how long the holder of a peer id may take to show life when a newcomer asks for the id"},
	}
}

func (c *config) inbound() []*setting {
	h := &c.hub
	return []*setting{
		{name: "max-message-bytes", def: "1MiB", value: size(&h.MaxMessageBytes, 1<<10, 1<<30),
			help: "one message"},
		{name: "max-announce-bytes", def: "8KiB", value: size(&h.MaxAnnounceBytes, 64, 1<<30),
			help: "data of one announce, which goes to every member of the network"},
		{name: "read-bytes-total", def: "64MiB", value: size(&h.ReadBytesTotal, 4<<10, 1<<40),
			help: "bytes of the messages over 4KiB under way; beyond it, who sends more than an equal share is disconnected"},
		{name: "message-rate", def: "100", value: perSecond(&h.MessageRate),
			help: "messages a second, each started 4KiB counting as one"},
		{name: "message-burst", def: "500", value: whole(&h.MessageBurst, 1, 1_000_000),
			help: "messages at once"},
		{name: "announce-rate", def: "2", value: perSecond(&h.AnnounceRate),
			help: "announces a second, each started KiB and each 256 members counting as one"},
		{name: "announce-burst", def: "20", value: whole(&h.AnnounceBurst, 1, 1_000_000),
			help: "announces at once"},
		{name: "first-message-timeout", def: "30s", value: duration(&h.FirstMessageTimeout, 10*time.Millisecond, 24*time.Hour),
			help: "from connecting to the first message"},
		{name: "message-timeout", def: "30s", value: duration(&h.MessageTimeout, 10*time.Millisecond, 24*time.Hour),
			help: "from the first to the last frame of a message"},
	}
}

func (c *config) outbound() []*setting {
	h := &c.hub
	return []*setting{
		{name: "queue-bytes", def: "8MiB", value: size(&h.QueueBytes, 4<<10, 1<<30),
			help: "unsent bytes of one peer; who has more is disconnected"},
		{name: "queue-bytes-total", def: "256MiB", value: size(&h.QueueBytesTotal, 4<<10, 1<<40),
			help: "unsent bytes of all; beyond it, those who have most are disconnected"},
		{name: "write-timeout", def: "10s", value: duration(&h.WriteTimeout, 10*time.Millisecond, time.Hour),
			help: "for every 64KiB written"},
		{name: "ping-interval", def: "25s", value: duration(&h.PingInterval, 10*time.Millisecond, 24*time.Hour),
			help: "silence before a ping; keep it below the idle timeout of the proxies in between"},
		{name: "pong-timeout", def: "10s", value: duration(&h.PongTimeout, 10*time.Millisecond, time.Hour),
			help: "silence after a ping before the peer counts as gone"},
		{name: "close-timeout", def: "2s", value: duration(&h.CloseTimeout, 10*time.Millisecond, time.Minute),
			help: "for the peer's half of a close"},
	}
}

func (c *config) role() []*setting {
	h := &c.hub
	return []*setting{
		{name: "is-hub", def: "true", value: boolean(&h.IsHub),
			help: "tell hubs that connect of all peers"},
		{name: "mesh-namespace", env: "HUB_MESH_NAMESPACE", def: "pigeonhub-mesh", value: text(&h.MeshNamespace, "NAME"),
			help: "the network in which hubs meet"},
		{name: "hub-key", value: text(&h.HubKey, "KEY"), secret: true,
			help: "who shows this as its token may be a hub"},
		{name: "hub-peer-ids", env: "HUB_PEER_IDS", value: peerIDs(&h.HubPeerIDs), list: true,
			help: "peers that may be hubs"},
		{name: "relay-renegotiation", def: "false", value: boolean(&h.RelayRenegotiation),
			help: "relay renegotiation, ICE restart and rejection messages, which the original answers with an error"},
	}
}

func (c *config) ending() []*setting {
	return []*setting{
		{name: "shutdown-timeout", def: "15s", value: duration(&c.shutdownTimeout, 10*time.Millisecond, time.Hour),
			help: "after SIGTERM, when whatever is still open is cut; your supervisor must wait longer"},
		{name: "drain-window", def: "5s", value: orOff(&c.hub.DrainWindow, -1, duration(&c.hub.DrainWindow, time.Millisecond, time.Hour)),
			help: "time over which peers are sent away, so that they do not all reconnect at once"},
		{name: "drain-close-code", def: "1000", value: oneOf(&c.hub.DrainCloseCode, "CODE",
			option[int]{"1000", 1000}, option[int]{"1001", 1001}, option[int]{"1012", 1012}, option[int]{"1013", 1013}),
			help: "close code that tells peers of it"},
	}
}

func (c *config) memory() []*setting {
	m := &c.hub.Memory
	return []*setting{
		{name: "memory-limit", def: "auto", value: orWord(&m.Limit, "auto", 0, size(&m.Limit, 16<<20, 1<<50)),
			help: "what the process may take; auto is the limit of the container, else the machine's memory. New peers are refused above 90% of it. Unless GOMEMLIMIT is set, Go's own limit is 75% of the container's limit, or of what is given here"},
		{name: "memory-interval", def: "5m", value: orOff(&m.Interval, -1, duration(&m.Interval, 10*time.Millisecond, 24*time.Hour)),
			help: "between two log lines about memory; off also ends refusing for memory"},
		{name: "memory-rss-warn", def: "500MiB", value: size(&m.RSSWarn, 1<<20, 1<<50),
			help: "resident memory from which on such a line is a warning"},
		{name: "memory-heap-collect", def: "500MiB", value: size(&m.HeapCollect, 1<<20, 1<<50),
			help: "heap from which on a collection is forced, once an interval"},
	}
}

func (c *config) telling() []*setting {
	return []*setting{
		{name: "cors-origin", env: "CORS_ORIGIN", def: "*", value: text(&c.public.CORSOrigin, "ORIGIN"),
			help: "pages that may read /health and /hubs"},
		{name: "hide-details", def: "false", value: boolean(&c.public.HideDetails),
			help: "tell in /health and /hubs what the hub holds only to who shows its token"},
		{name: "public-metrics", def: "false", value: boolean(&c.public.Metrics),
			help: "serve /metrics to peers too, to who shows the token if there is one"},
		{name: "log-level", def: "info", value: oneOf(&c.logLevel, "LEVEL",
			option[slog.Level]{"debug", slog.LevelDebug}, option[slog.Level]{"info", slog.LevelInfo},
			option[slog.Level]{"warn", slog.LevelWarn}, option[slog.Level]{"error", slog.LevelError}),
			help: "debug, info, warn or error"},
		{name: "log-format", def: "auto", value: oneOf(&c.logFormat, "FORMAT",
			option[string]{"auto", "auto"}, option[string]{"text", "text"}, option[string]{"json", "json"}),
			help: "text, json, or auto: text on a terminal, else json"},
	}
}
