package harness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Target is a hub under test: in this process, in a child process, or somewhere
// else. Its methods may be called concurrently.
type Target interface {
	// URL is where peers connect.
	URL() string
	// Dial connects to the address in URL, which may be no TCP address at all.
	Dial(ctx context.Context, network, addr string) (net.Conn, error)
	// Stop ends the hub and waits until it has ended. It is idempotent. A hub
	// that is not ours to end stays, and Stop returns nil.
	Stop(ctx context.Context) error
}

// Inspector is a Target that can be looked into. The in-process ones can.
type Inspector interface {
	Target
	// Gauges returns what the hub itself says it holds, by name. All must be
	// back at their baseline once the peers have gone.
	Gauges() (map[string]float64, error)
	// Check runs the hub's own consistency check.
	Check() error
	// Roots returns pointers from which all state of the hub can be reached, by
	// name, for Census and Retainers.
	Roots() map[string]any
}

// Process is a Target that is another process on this machine.
type Process interface {
	Target
	PID() int
}

// Remote is a hub at a URL, of which nothing else is known.
type Remote struct {
	url    string
	dialer net.Dialer
}

// NewRemote returns the hub at a ws, wss, http or https URL.
func NewRemote(rawURL string) (*Remote, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("harness: target: %w", err)
	}
	switch u.Scheme {
	case "ws", "wss", "http", "https":
	default:
		return nil, fmt.Errorf("harness: target %q: the scheme must be ws, wss, http or https", rawURL)
	}
	return &Remote{url: rawURL}, nil
}

// URL implements Target.
func (r *Remote) URL() string { return r.url }

// Dial implements Target.
func (r *Remote) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return r.dialer.DialContext(ctx, network, addr)
}

// Stop implements Target: it does nothing.
func (r *Remote) Stop(context.Context) error { return nil }

// Child is a hub in a child process.
type Child struct {
	Remote
	cmd    *exec.Cmd
	out    *os.File        // what it prints
	ended  context.Context // ends when the process has
	cancel context.CancelFunc
	stop   sync.Once
	err    error // of Wait; written before ended
}

// killedLongest is how long what was killed may take to be gone.
const killedLongest = 2 * time.Second

// StartChild starts a hub and waits until ready has found its URL in what the
// process prints (standard output and standard error together, line by line).
// Further output goes to log, which may be nil.
//
// The command may be a shell, "go run" or the like: it has a process group of its own,
// with all that it starts, and has ended when all that print have. An interrupt from
// the terminal does not reach them; Stop does.
func StartChild(ctx context.Context, cmd *exec.Cmd, log io.Writer, ready func(line string) (url string, ok bool)) (*Child, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("harness: start %s: %w", cmd.Path, err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("harness: start %s: %w", cmd.Path, err), r.Close(), w.Close())
	}
	w.Close()
	c := &Child{cmd: cmd, out: r}
	c.ended, c.cancel = context.WithCancel(context.Background())
	found := make(chan string, 1)
	go c.follow(log, ready, found)
	select {
	case c.url = <-found:
		return c, nil
	case <-c.ended.Done():
		return nil, fmt.Errorf("harness: %s ended before it was ready: %w", cmd.Path, c.err)
	case <-ctx.Done():
		c.kill()
		return nil, fmt.Errorf("harness: %s did not get ready: %w", cmd.Path, ctx.Err())
	}
}

// follow reads the output to its end, then reaps the process.
func (c *Child) follow(log io.Writer, ready func(string) (string, bool), found chan<- string) {
	defer c.cancel()
	defer c.out.Close()
	lines := bufio.NewScanner(c.out)
	for seen := false; lines.Scan(); {
		if log != nil {
			fmt.Fprintln(log, lines.Text())
		}
		if u, ok := ready(lines.Text()); ok && !seen {
			seen = true
			found <- u
		}
	}
	io.Copy(io.Discard, c.out) // a line too long for the scanner
	c.err = c.cmd.Wait()
}

// PID implements Process.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Stop sends SIGTERM to the process and to all it has started, and waits for them;
// when ctx ends they are killed. One who has left the process group (setsid) is not
// reached, and not waited for then. The error is that of a process that did not end with
// status 0.
func (c *Child) Stop(ctx context.Context) error {
	c.stop.Do(func() { c.signal(syscall.SIGTERM) })
	select {
	case <-c.ended.Done():
		return c.err
	case <-ctx.Done():
		c.kill()
		return fmt.Errorf("harness: stop: %w: killed", ctx.Err())
	}
}

// signal signals them all, while there is somebody.
func (c *Child) signal(s syscall.Signal) {
	if c.ended.Err() == nil {
		signalGroup(c.cmd, s)
	}
}

// kill ends them all at once, and what they print: one who has left the group may hold
// the output open for ever.
func (c *Child) kill() {
	c.signal(syscall.SIGKILL)
	_ = c.cmd.Process.Kill() // it may have left, too, or be gone
	_ = c.out.SetReadDeadline(time.Now().Add(killedLongest))
	<-c.ended.Done()
}

// dial connects a peer to a target.
func dial(ctx context.Context, t Target, id wire.PeerID, token string) (*wire.Conn, error) {
	opts := &wire.DialOptions{NetDialContext: t.Dial, WriteTimeout: 10 * time.Second}
	if token != "" {
		opts.Header = http.Header{"Authorization": {"Bearer " + token}}
	}
	return wire.Dial(ctx, t.URL(), id, opts)
}
