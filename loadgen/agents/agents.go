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

// Agents has workers on other machines, where somebody has started agents (ServeAgent)
// with the URL of the same NATS server. By default that is one of the coordinator's
// own, which runs for as long as the coordinator.
type Agents struct {
	NATS      // URL empty: the server below
	Embedded  EmbeddedNATS
	Patience  time.Duration    // for agents to come; default a minute
	Listening func(url string) // told the URL of the own server, with the token; may be nil
}

const (
	agentService  = "loadgen-agent"
	agentVersion  = "1.0.0" // of what coordinator and agents speak
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
				l, hired := hire(ctx, b, run, info)
				if hired != nil {
					refused[info.ID] = true
					log.Info("an agent is not free", "agent", info.ID, "why", hired)
					continue
				}
				links = append(links, l)
				log.Info("an agent has come", "agent", l.Name(), "number", len(links), "of", n)
			}
		}
		if len(links) < n && (err != nil || ctx.Err() != nil) {
			for _, l := range links {
				l.Close(0)
			}
			return nil, fmt.Errorf("only %d of %d agents came within %s", len(links), n, a.Patience)
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

// reachable is an address that others can connect to, if it can be told.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return a.String()
	}
	return net.JoinHostPort("THIS-HOST", port)
}

// discoverAgents asks who is there, and waits a while for answers.
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
		if err != nil { // no more answers, or nobody is there
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

// hiring is what an agent is asked: to be a worker, with these subjects.
type hiring struct {
	Down string `json:"down"` // that the agent hears from
	Up   string `json:"up"`   // and speaks to
}

// hire asks an agent to be a worker.
func hire(ctx context.Context, b *bus, run string, info micro.Info) (cluster.Link, error) {
	base := "loadgen.run." + run + "." + info.ID
	o := hiring{Down: base + ".down", Up: base + ".up"}
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
		m, err = b.nc.RequestWithContext(ctx, hireSubject(info.ID), text)
	}
	if err == nil && m.Header.Get(micro.ErrorHeader) != "" {
		err = fmt.Errorf("%s", m.Header.Get(micro.ErrorHeader))
	}
	if err != nil {
		l.Close(0)
		return nil, fmt.Errorf("hire: %w", err)
	}
	l.begin()
	return l, nil
}

func hireSubject(id string) string { return "loadgen.agent." + id + ".hire" }
