package loadgen_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/agents"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

func init() { loadgen.ChildProcesses["agent"] = agentProcess }

// agentProcess is an agent at the server of its environment.
func agentProcess() int {
	if err := agents.ServeAgent(context.Background(), agents.AgentConfig{NATS: agents.NATS{URL: os.Getenv(agentURLEnv)}}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

const agentURLEnv = "LOADGEN_TEST_NATS"

// startAgents has n agents come as soon as a server listens, and go with the test.
func startAgents(t *testing.T, n int, a agents.Agents) (agents.Agents, []context.CancelFunc) {
	t.Helper()
	var running sync.WaitGroup
	ends := make([]context.CancelFunc, n)
	contexts := make([]context.Context, n)
	for i := range n {
		contexts[i], ends[i] = context.WithCancel(t.Context())
	}
	begin := func(url string) {
		for i := range n {
			running.Go(func() {
				if err := agents.ServeAgent(contexts[i], agents.AgentConfig{NATS: agents.NATS{URL: url, CA: a.CA}}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	t.Cleanup(func() {
		for _, end := range ends {
			end()
		}
		running.Wait()
	})
	a.Listening = begin
	if a.URL != "" {
		begin(a.URL)
	}
	if a.Embedded.Listen == "" {
		a.Embedded.Listen = "127.0.0.1:0"
	}
	return a, ends
}

// A run of two agents over the embedded server gives the same totals as one process.
func TestAgentsGiveTheSameTotals(t *testing.T) {
	t.Parallel()
	loadgen.WantSameTotals(t, func(t *testing.T, cfg *loadgen.Config) {
		cfg.Recruiter, _ = startAgents(t, 2, agents.Agents{})
	})
}

// Agents find the leak that one process finds.
func TestAgentsCheck(t *testing.T) {
	t.Parallel()
	a, _ := startAgents(t, 2, agents.Agents{})
	loadgen.CheckForALeak(t, 22, loadgen.Config{Workers: 2, Recruiter: a})
}

// One agent does runs one after the other, at a server of its own, and waits meanwhile.
func TestAgentDoesSeveralRuns(t *testing.T) {
	t.Parallel()
	s, err := agents.EmbeddedNATS{Listen: "127.0.0.1:0"}.Start("secret")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	a, _ := startAgents(t, 1, agents.Agents{NATS: agents.NATS{URL: "nats://secret@" + s.Addr().String()}})
	for range 2 {
		r := loadgen.RunOnHub(t, loadgen.Config{Plan: loadgen.PlanWith(t, "ramp", plan.Phase{Peers: 20, Rate: 200, Duration: time.Millisecond}), Workers: 1, Recruiter: a})
		if r.Verdict.Run.Lives != 21 || len(r.Verdict.Invalid) > 0 {
			t.Errorf("%d lives, invalid for %v", r.Verdict.Run.Lives, r.Verdict.Invalid)
		}
	}
}

// An agent that is lost makes the run invalid, and nothing of it is left.
func TestLostAgent(t *testing.T) {
	t.Parallel()
	a, ends := startAgents(t, 2, agents.Agents{})
	r := loadgen.RunOnHub(t, loadgen.Config{Plan: loadgen.PlanWith(t, "ramp", plan.Phase{Peers: 100, Rate: 200, Duration: time.Minute, Networks: 10}), Workers: 2, Recruiter: a, Watch: loadgen.AtPeers(20, ends[0])})
	if v := r.Verdict; v.Outcome != verdict.Invalid || len(v.Invalid) != 1 || !strings.Contains(v.Invalid[0].What, "of 2 (agent ") {
		t.Errorf("outcome %s, invalid for %v", v.Outcome, v.Invalid)
	}
}

// An agent that is killed is missed at once.
func TestKilledAgent(t *testing.T) {
	t.Parallel()
	a, _ := startAgents(t, 1, agents.Agents{})
	started, killed := make(chan *exec.Cmd, 1), make(chan time.Time, 1)
	begin := a.Listening
	a.Listening = func(url string) {
		begin(url)
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), loadgen.ChildEnv+"=agent", agentURLEnv+"="+url)
		if err := cmd.Start(); err != nil {
			t.Error(err)
			return
		}
		started <- cmd
	}
	kill := func() {
		cmd := <-started
		killed <- time.Now()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
	r := loadgen.RunOnHub(t, loadgen.Config{Plan: loadgen.PlanWith(t, "ramp", plan.Phase{Peers: 100, Rate: 200, Duration: time.Minute, Networks: 10}), Workers: 2, Recruiter: a, Watch: loadgen.AtPeers(20, kill)})
	if v := r.Verdict; v.Outcome != verdict.Invalid || len(v.Invalid) != 1 || !strings.Contains(v.Invalid[0].What, "has ended") {
		t.Errorf("outcome %s, invalid for %v", v.Outcome, v.Invalid)
	}
	if took := time.Since(<-killed); took > 40*time.Second {
		t.Errorf("the run took %s more", took)
	}
}

// With a certificate agents connect by TLS, and only to the server that has it.
func TestAgentsByTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	a, _ := startAgents(t, 2, agents.Agents{NATS: agents.NATS{CA: cert}, Embedded: agents.EmbeddedNATS{Cert: cert, Key: key}})
	begin := a.Listening
	a.Listening = func(url string) {
		if !strings.HasPrefix(url, "tls://") {
			t.Errorf("the URL for agents is %s", url)
		}
		if nc, err := nats.Connect(url); err == nil {
			nc.Close()
			t.Error("a certificate of an unknown authority is trusted")
		}
		begin(url)
	}
	r := loadgen.RunOnHub(t, loadgen.Config{Plan: loadgen.PlanWith(t, "ramp", plan.Phase{Peers: 20, Rate: 200, Duration: time.Millisecond}), Workers: 2, Recruiter: a})
	if r.Verdict.Run.Lives != 21 || len(r.Verdict.Invalid) > 0 {
		t.Errorf("%d lives, invalid for %v", r.Verdict.Run.Lives, r.Verdict.Invalid)
	}
}

// certificate writes one of 127.0.0.1 and its key to files.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	own := s.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	err = errors.Join(
		os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// Run reports that too few agents came.
func TestNoAgents(t *testing.T) {
	t.Parallel()
	a, _ := startAgents(t, 1, agents.Agents{Patience: 10 * time.Second})
	p := loadgen.PlanWith(t, "ramp", plan.Phase{Peers: 20, Rate: 200})
	if _, err := loadgen.Run(t.Context(), loadgen.Config{URL: "ws://127.0.0.1:1", Plan: p, Workers: 2, Recruiter: a}); err == nil || !strings.Contains(err.Error(), "only 1 of 2 agents") {
		t.Errorf("got %v", err)
	}
}
