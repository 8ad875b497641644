package agents

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
)

// Agents recruits workers on other machines, on which ServeAgent runs with the URL of the
// same NATS server. By default the coordinator starts that server, which ends with it.
type Agents struct {
	NATS      // without a URL the server below is started
	Embedded  EmbeddedNATS
	Patience  time.Duration    // until the agents must have answered; default a minute
	Listening func(url string) // called with the URL of the started server, which has the token; may be nil
}

const (
	agentService  = "loadgen-agent"
	agentVersion  = "1.0.0" // of the protocol between coordinator and agents
	agentPatience = time.Minute
	askEvery      = 300 * time.Millisecond
)

func (a Agents) Elsewhere() bool { return true }

func (a Agents) Recruit(ctx context.Context, n int, log *slog.Logger) ([]cluster.Link, error) {
	b, err := a.connect(log)
	if err != nil {
		return nil, err
	}
	b.users = 1
	defer b.release()
	if a.Patience == 0 {
		a.Patience = agentPatience
	}
	ctx, cancel := context.WithTimeout(ctx, a.Patience)
	defer cancel()
	run := strings.ToLower(rand.Text())
	var links []cluster.Link
	for refused := map[string]bool{}; len(links) < n; {
		found, err := discoverAgents(ctx, b.nc)
		for _, info := range found {
			if len(links) < n && !refused[info.ID] && !hasAgent(links, info) {
				l, claimed := claimAgent(ctx, b, run, info)
				if claimed != nil {
					refused[info.ID] = true
					log.Info("an agent is not available", "agent", info.ID, "why", claimed)
					continue
				}
				links = append(links, l)
				log.Info("an agent has joined", "agent", l.Name(), "number", len(links), "of", n)
			}
		}
		if len(links) < n && (err != nil || ctx.Err() != nil) {
			for _, l := range links {
				l.Close(0)
			}
			return nil, fmt.Errorf("only %d of %d agents joined within %s", len(links), n, a.Patience)
		}
	}
	return links, nil
}

// connect connects to the server, or starts one.
func (a Agents) connect(log *slog.Logger) (*bus, error) {
	if a.URL != "" {
		nc, err := nats.Connect(a.URL, a.options()...)
		if err != nil {
			return nil, fmt.Errorf("nats: %w", err)
		}
		return &bus{nc: nc}, nil
	}
	if a.Token == "" {
		a.Token = rand.Text()
	}
	s, err := a.Embedded.Start(a.Token)
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.Token(a.Token), nats.Name("loadgen coordinator"))
	if err != nil {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("nats: %w", err)
	}
	scheme := "nats"
	if a.Embedded.Cert != "" {
		scheme = "tls"
	}
	url := fmt.Sprintf("%s://%s@%s", scheme, a.Token, reachable(s.Addr()))
	log.Info("waiting for agents; start them with", "command", "loadgen agent --nats "+url)
	if a.Listening != nil {
		a.Listening(url)
	}
	return &bus{nc: nc, server: s}, nil
}

// reachable returns an address that others can connect to. A host that is not known is
// THIS-HOST.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return a.String()
	}
	return net.JoinHostPort("THIS-HOST", port)
}

// discoverAgents asks for agents, and collects the answers of a while.
func discoverAgents(ctx context.Context, nc *nats.Conn) ([]micro.Info, error) {
	subject, err := micro.ControlSubject(micro.InfoVerb, agentService, "")
	if err != nil {
		return nil, err
	}
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err == nil {
		err = nc.PublishRequest(subject, inbox, nil)
	}
	if err != nil {
		return nil, err
	}
	defer sub.Unsubscribe()
	ctx, cancel := context.WithTimeout(ctx, askEvery)
	defer cancel()
	var list []micro.Info
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil { // no more answers
			<-ctx.Done() // no more answers come sooner
			slices.SortFunc(list, func(a, b micro.Info) int { return strings.Compare(a.ID, b.ID) })
			return list, nil
		}
		var info micro.Info
		if json.Unmarshal(m.Data, &info) == nil && info.Version == agentVersion {
			list = append(list, info)
		}
	}
}

func hasAgent(links []cluster.Link, info micro.Info) bool {
	return slices.ContainsFunc(links, func(l cluster.Link) bool { return l.Name() == agentName(info) })
}

func agentName(info micro.Info) string {
	return fmt.Sprintf("agent %s at %s, process %s", info.ID, info.Metadata["host"], info.Metadata["pid"])
}

// claim is the request to an agent to be a worker, with the subjects of the link.
type claim struct {
	Down string `json:"down"` // to the agent
	Up   string `json:"up"`   // from the agent
}

// claimAgent asks an agent to be a worker.
func claimAgent(ctx context.Context, b *bus, run string, info micro.Info) (cluster.Link, error) {
	base := "loadgen.run." + run + "." + info.ID
	o := claim{Down: base + ".down", Up: base + ".up"}
	l, err := newLink(b.nc, o.Up, o.Down, agentName(info), b.release)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.users++
	b.mu.Unlock()
	text, err := json.Marshal(o)
	var m *nats.Msg
	if err == nil {
		m, err = b.nc.RequestWithContext(ctx, claimSubject(info.ID), text)
	}
	if err == nil && m.Header.Get(micro.ErrorHeader) != "" {
		err = fmt.Errorf("%s", m.Header.Get(micro.ErrorHeader))
	}
	if err != nil {
		l.Close(0)
		return nil, fmt.Errorf("claim: %w", err)
	}
	l.begin()
	return l, nil
}

func claimSubject(id string) string { return "loadgen.agent." + id + ".hire" }
