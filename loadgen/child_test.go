package loadgen

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
)

// childEnv names what the test binary is to be, in place of running tests.
const childEnv = "LOADGEN_TEST_CHILD"

var childProcesses = map[string]func() int{"hub": hubProcess, "worker": workerProcess}

// workerProcess is a worker of a run that a test makes.
func workerProcess() int {
	if err := ServeWorker(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// testProcesses has the test binary as worker.
var testProcesses = cluster.Processes{Command: []string{os.Args[0]}, Environ: []string{childEnv + "=worker"}}

// hubProcess is a hub that ends with its stdin. It writes its URL to stderr.
func hubProcess() int {
	h, err := hub.New(hub.Config{PingInterval: time.Hour, MessageRate: 1e6, MessageBurst: 1e6})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	server := &http.Server{Handler: admin.Public(h, admin.PublicConfig{}), ReadHeaderTimeout: time.Minute}
	go server.Serve(listener)
	fmt.Fprintf(os.Stderr, "ws://%s\n", listener.Addr())
	io.Copy(io.Discard, os.Stdin)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	h.Shutdown(ctx)
	server.Close()
	return 0
}

// startHubProcess starts a hub in a process of its own: its memory and descriptors are
// not those of the test. It ends with the test.
func startHubProcess(t testing.TB) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=hub")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	child, err := cluster.StartChild(cmd, func(line string) {
		if strings.HasPrefix(line, "ws://") {
			listening <- line
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { child.Stop(func() { stdin.Close() }, 20*time.Second) })
	select {
	case url := <-listening:
		return url
	case <-child.Exited():
		t.Fatalf("the hub ended: %s", child.Said())
		return ""
	}
}
