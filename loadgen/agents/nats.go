package agents

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// NATS says how coordinator and agents reach a server.
type NATS struct {
	// URL of a NATS server: nats://host:4222, or tls:// for TLS. The token may be in
	// it, as in nats://TOKEN@host:4222. For an agent it is that of the coordinator's
	// server, unless there is another.
	URL   string
	Token string // that the server requires
	CA    string // PEM file of the authorities that check its certificate; default those of the system
}

func (n NATS) options() []nats.Option {
	opts := []nats.Option{nats.Name("loadgen")}
	if n.Token != "" {
		opts = append(opts, nats.Token(n.Token))
	}
	if n.CA != "" {
		opts = append(opts, nats.RootCAs(n.CA))
	}
	return opts
}

// EmbeddedNATS configures the server that the coordinator starts.
type EmbeddedNATS struct {
	Listen string // host:port; port 0 takes a free one
	Cert   string // PEM file: with it and its key agents connect by TLS
	Key    string
}

const serverPatience = 10 * time.Second

// Start starts a server that requires a token.
func (e EmbeddedNATS) Start(token string) (*server.Server, error) {
	host, port, err := net.SplitHostPort(e.Listen)
	if err != nil {
		return nil, fmt.Errorf("nats server: %w", err)
	}
	opts := &server.Options{ServerName: "loadgen", Host: host, Authorization: token, NoLog: true, NoSigs: true}
	if opts.Port, err = strconv.Atoi(port); err != nil {
		return nil, fmt.Errorf("nats server: port: %w", err)
	}
	if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	if host == "" {
		opts.Host = "0.0.0.0"
	}
	if e.Cert != "" {
		opts.TLS = true
		if opts.TLSConfig, err = server.GenTLSConfig(&server.TLSConfigOpts{CertFile: e.Cert, KeyFile: e.Key}); err != nil {
			return nil, fmt.Errorf("nats server: %w", err)
		}
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("nats server: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(serverPatience) {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("nats server: cannot listen at %s", e.Listen)
	}
	return s, nil
}

// bus is the connection of the coordinator, and its server if it has started one. The last
// release closes it.
type bus struct {
	nc     *nats.Conn
	server *server.Server // nil if it belongs to another process

	mu    sync.Mutex
	users int
}

// release must be called once by each user.
func (b *bus) release() {
	b.mu.Lock()
	b.users--
	last := b.users == 0
	b.mu.Unlock()
	if !last {
		return
	}
	b.nc.Close()
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
}

var errSilent = errors.New("no sign of life for " + silence.String())
