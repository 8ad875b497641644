package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// childVariable makes the test binary run main: the tests of signals and exit
// codes start it as a process of its own.
const childVariable = "RUN_PIGEONHUB_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// patience bounds every single wait.
const patience = 20 * time.Second

// loopback lets tests run beside each other and beside a real hub.
var loopback = []string{"--host=127.0.0.1", "--port=0", "--admin-address=127.0.0.1:0", "--log-format=json"}

// running is a hub that run serves in this process.
type running struct {
	*testing.T
	log    *logTap
	addr   string
	cancel context.CancelFunc
	code   chan int
}

// start runs a hub with args added to loopback, and waits until it listens.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{T: t, log: newLogTap(t), cancel: cancel, code: make(chan int, 1)}
	var stdout bytes.Buffer
	go func() {
		r.code <- run(ctx, append(loopback[:len(loopback):len(loopback)], args...), nil, &stdout, r.log)
	}()
	t.Cleanup(func() { r.end() })
	r.addr = r.log.want("listening")["address"].(string)
	return r
}

// end ends the hub as the end of the process's context does, and returns the exit
// code.
func (r *running) end() int {
	r.Helper()
	r.cancel()
	return r.wait()
}

func (r *running) wait() int {
	r.Helper()
	select {
	case code := <-r.code:
		r.code <- code
		return code
	case <-time.After(patience):
		r.Fatalf("run does not return; log:\n%s", r.log)
		return -1
	}
}

// connect dials as a fresh peer and reads the greeting.
func connect(t *testing.T, url string) *wire.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := wire.Dial(ctx, url, wire.NewPeerID(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReceiveDeadline(time.Now().Add(patience))
	if m, err := c.Receive(); err != nil || m.Type != "connected" {
		t.Fatalf("first message is %+v, %v, want connected", m, err)
	}
	return c
}

// wantShutdown asserts that the peer receives the close frame of a shutdown next.
func wantShutdown(t *testing.T, c *wire.Conn) {
	t.Helper()
	_, err := c.Receive()
	if got, ok := err.(*wire.CloseError); !ok || got.Code != wire.CodeNormal || got.Reason != "Server shutting down" {
		t.Errorf("the peer got %v, want close 1000 Server shutting down", err)
	}
}

// get returns the status of a request on a connection of its own.
func get(t *testing.T, url string, header http.Header) (int, http.Header) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode, res.Header
}

// logTap keeps the lines of a JSON log.
type logTap struct {
	t       *testing.T
	mu      sync.Mutex
	partial []byte
	lines   []string
	more    chan struct{} // closed when a line has come, and made anew
}

func newLogTap(t *testing.T) *logTap { return &logTap{t: t, more: make(chan struct{})} }

func (l *logTap) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, p...)
	for {
		line, rest, ok := bytes.Cut(l.partial, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		l.lines, l.partial = append(l.lines, string(line)), rest
		close(l.more)
		l.more = make(chan struct{})
	}
}

func (l *logTap) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n") + "\n" + string(l.partial)
}

// want waits for a line with the message and returns its members.
func (l *logTap) want(message string) map[string]any {
	l.t.Helper()
	return l.wantTimes(message, 1)
}

// wantTimes waits for n lines with the message and returns the members of the last.
func (l *logTap) wantTimes(message string, n int) map[string]any {
	l.t.Helper()
	deadline := time.After(patience)
	for {
		l.mu.Lock()
		lines, more := l.lines, l.more
		l.mu.Unlock()
		found := 0
		for _, line := range lines {
			if record := parse(line); record["msg"] == message {
				if found++; found == n {
					return record
				}
			}
		}
		select {
		case <-more:
		case <-deadline:
			l.t.Fatalf("not %d lines say %q; log:\n%s", n, message, l)
		}
	}
}

// wantCleanEnd asserts that the last line is the hub's and says that nothing
// remains.
func (l *logTap) wantCleanEnd() {
	l.t.Helper()
	l.mu.Lock()
	last := l.lines[len(l.lines)-1]
	l.mu.Unlock()
	record, remains := parse(last), 0
	if record["msg"] != "hub stopped" {
		l.t.Errorf("the last line is %s, want the hub's", last)
	}
	for name, value := range record {
		if strings.HasPrefix(name, "remaining_") {
			remains++
			if value != 0.0 {
				l.t.Errorf("%s is %v, want 0", name, value)
			}
		}
	}
	if remains < 6 {
		l.t.Errorf("the last line has %d counts of what remains, want 6: %s", remains, last)
	}
}

func parse(line string) map[string]any {
	var record map[string]any
	if json.Unmarshal([]byte(line), &record) != nil {
		return nil
	}
	return record
}
