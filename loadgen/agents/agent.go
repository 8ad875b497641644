package agents

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/pigeonhub/pigeonhub/loadgen"
)

// AgentConfig configures an agent.
type AgentConfig struct {
	NATS
	Sources []netip.Addr // to connect from; default as in loadgen.Config
	Logger  *slog.Logger // default none
}

// reconnectWait is the time between two tries to reach a server.
const reconnectWait = time.Second

// ServeAgent waits for runs at a NATS server, and runs a share of one at a time until ctx
// ends. It waits for a server that is not there, and reconnects to one that was lost. When
// it returns, nothing of a run is left.
func ServeAgent(ctx context.Context, cfg AgentConfig) error {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	opts := append(cfg.options(), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait/4, reconnectWait/4), nats.IgnoreAuthErrorAbort())
	nc, err := nats.Connect(cfg.URL, opts...)
	if err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	defer nc.Close()
	a := &agent{cfg: cfg, nc: nc, ctx: ctx}
	host, _ := os.Hostname() // only for messages
	service, err := micro.AddService(nc, micro.Config{Name: agentService, Version: agentVersion, Description: "runs shares of loadgen runs",
		Metadata: map[string]string{"host": host, "pid": strconv.Itoa(os.Getpid())}})
	if err == nil {
		err = service.AddEndpoint("claim", micro.HandlerFunc(a.claimed), micro.WithEndpointSubject(claimSubject(service.Info().ID)))
	}
	if err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	cfg.Logger.Info("waiting for a run", "agent", service.Info().ID, "nats", nc.ConnectedUrlRedacted())
	<-ctx.Done()
	_ = service.Stop() // its connection may be lost
	a.mu.Lock()
	a.over = true
	a.mu.Unlock()
	a.runs.Wait()
	return nil
}

// agent is an agent that waits for runs.
type agent struct {
	cfg  AgentConfig
	nc   *nats.Conn
	ctx  context.Context // of ServeAgent: handlers are called without one
	runs sync.WaitGroup

	mu   sync.Mutex
	busy bool
	over bool
}

// claimed answers a claim, and runs a share of the run.
func (a *agent) claimed(r micro.Request) {
	l, err := a.accept(r.Data())
	if err != nil {
		_ = r.Error("409", err.Error(), nil) // without this the coordinator times out
		return
	}
	if err := r.Respond(nil); err != nil {
		l.Close(0)
		a.runs.Done()
		return
	}
	l.begin()
	a.cfg.Logger.Info("a run begins")
	go func() {
		defer a.runs.Done()
		err := loadgen.ServeLink(a.ctx, l, a.cfg.Sources)
		l.Close(0)
		if err != nil {
			a.cfg.Logger.Warn("the run ended early", "error", err)
			return
		}
		a.cfg.Logger.Info("the run is over")
	}()
}

// accept creates the link, unless the agent is in another run.
func (a *agent) accept(data []byte) (*link, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var o claim
	switch err := json.Unmarshal(data, &o); {
	case err != nil || o.Up == "" || o.Down == "":
		return nil, fmt.Errorf("invalid claim: %w", err)
	case a.busy || a.over:
		return nil, fmt.Errorf("it is in another run")
	}
	l, err := newLink(a.nc, o.Down, o.Up, "coordinator", a.free)
	if err != nil {
		return nil, err
	}
	a.busy = true
	a.runs.Add(1)
	return l, nil
}

func (a *agent) free() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busy = false
}
