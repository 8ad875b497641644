package loadgen

import (
	"bufio"
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

// hubProcess is a hub that ends with its stdin. It says its URL in a line.
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
	fmt.Printf("ws://%s\n", listener.Addr())
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
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(url)
}
