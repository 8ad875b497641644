//go:build unix

package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// leakClients are the peers, HTTP clients and operators of a service.
type leakClients struct {
	service *service
	target  *leakTarget
	flags   []string // of a program that is started beside the service
	admin   string   // URL of its admin listener
	sign    func(key, subject string) (string, error)
	log     func(...any)
	crowded sync.RWMutex // write-locked while the admin listener has more than it lets wait
}

// scenarios returns the ways in which clients come and go.
func (c *leakClients) scenarios() []harness.Scenario {
	all := []harness.Scenario{
		{Name: "plain", Live: c.plain}, {Name: "silent", Live: c.silent}, {Name: "pages", Live: c.pages}, {Name: "strange", Live: c.strange},
		{Name: "operator", Live: c.operator, Waits: true, AtOnce: 1}, {Name: "crowd-operator", Live: c.crowdOperator, Waits: true, AtOnce: 1},
		{Name: "report", Live: c.report, Waits: true, AtOnce: 1},
		{Name: "restart", Live: c.restart, Waits: true, AtOnce: 4}, {Name: "restart-cut", Live: c.restartCut, Waits: true, AtOnce: 4},
		{Name: "signed", Live: c.signed}, {Name: "forged", Live: c.forged}, {Name: "intruder", Live: c.intruder},
	}
	if runtime.GOOS == "linux" { // only there all addresses of 127.0.0.0/8 are local
		all = append(all, harness.Scenario{Name: "second", Live: c.second})
	}
	for _, s := range harness.Scenarios() {
		if slices.Contains([]string{"clean", "rst", "early-close", "bad-handshake"}, s.Name) {
			all = append(all, s)
		}
	}
	return all
}

// reloads returns the scenarios of a service that is reloaded again and again.
func (c *leakClients) reloads() []harness.Scenario {
	return []harness.Scenario{{Name: "reload", Live: c.reload, Waits: true, AtOnce: 1}, {Name: "signed", Live: c.signed}, harness.Scenarios()[0]}
}

// dose returns how many clients of a scenario come in a cycle.
func (c *leakClients) dose(scenario string) int {
	switch scenario {
	case "plain": // these cost little, and their warm-up must fill what is bounded
		return 400
	case "crowd-operator", "report":
		return 3
	case "restart", "restart-cut", "operator":
		return 5
	case "reload": // what each adds to a buffer must be more than a buffer varies
		return 40
	}
	return 20
}

// address returns the address for peers.
func (c *leakClients) address() string { return strings.TrimPrefix(c.target.URL(), "ws://") }

// plain sends HTTP to a listener that expects TLS.
func (c *leakClients) plain(ctx context.Context, _ *harness.Visit) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.address())
	if err != nil {
		return err
	}
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n")
	_, ended := io.Copy(io.Discard, conn)
	return errors.Join(err, ended, conn.Close())
}

// silent completes the TLS handshake, sends nothing or half a request, and closes.
func (c *leakClients) silent(ctx context.Context, v *harness.Visit) error {
	conn, err := c.target.Dial(ctx, "tcp", c.address())
	if err != nil {
		return err
	}
	if v.Index%2 == 0 {
		_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgr")
	}
	return errors.Join(err, conn.Close())
}

// pages requests the pages for everybody.
func (c *leakClients) pages(ctx context.Context, _ *harness.Visit) (err error) {
	for _, path := range []string{"/health", "/hubs", "/livez", "/readyz", "/metrics", "/nothing"} {
		_, failed := readLeakPage(ctx, "https://"+c.address()+path, leakToken)
		err = errors.Join(err, failed)
	}
	return err
}

// strange sends requests to both listeners. No other visit has their values.
func (c *leakClients) strange(ctx context.Context, v *harness.Visit) error {
	c.crowded.RLock()
	defer c.crowded.RUnlock()
	for base, token := range map[string]string{"https://" + c.address(): leakToken, c.admin: ""} {
		requests, err := hostile.Requests(ctx, base, string(v.ID), token)
		if err != nil {
			return err
		}
		if err := hostile.Ask(newLeakClient(), requests); err != nil {
			return err
		}
	}
	return nil
}

// operator requests the pages for the operator.
func (c *leakClients) operator(ctx context.Context, _ *harness.Visit) (err error) {
	c.crowded.RLock()
	defer c.crowded.RUnlock()
	for _, path := range []string{"/", "/readyz", "/metrics", "/debug/state", "/debug/pprof/goroutine?debug=1"} {
		status, failed := readLeakPage(ctx, c.admin+path, leakToken)
		if failed == nil && status != http.StatusOK {
			failed = fmt.Errorf("%s: status %d", path, status)
		}
		err = errors.Join(err, failed)
	}
	return err
}

// intruder requests the pages for the operator with a wrong token and without one.
func (c *leakClients) intruder(ctx context.Context, v *harness.Visit) (err error) {
	c.crowded.RLock()
	defer c.crowded.RUnlock()
	for _, token := range []string{"", "a wrong token", "the wrong token of " + string(v.ID)} {
		status, failed := readLeakPage(ctx, c.admin+"/metrics", token)
		if failed == nil && status != http.StatusUnauthorized {
			failed = fmt.Errorf("the operator's page of an intruder: status %d", status)
		}
		err = errors.Join(err, failed)
	}
	return err
}

// signed joins with a signed token.
func (c *leakClients) signed(ctx context.Context, v *harness.Visit) (err error) {
	if v.Peer.HubKey, err = c.sign("known", "the subject of "+string(v.ID)); err != nil {
		return err
	}
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	return v.Close(ctx)
}

// second dials twice from one address, each time with a signed token of another subject, to a service
// that lets in one session of an address.
func (c *leakClients) second(ctx context.Context, v *harness.Visit) error {
	from := &leakFrom{c.target, net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(v.Cycle), byte(v.Index%250+1))}}}
	var peers [2]*harness.Peer
	for i := range peers {
		token, err := c.sign("known", fmt.Sprintf("subject %d of %s", i, v.ID))
		if err != nil {
			return err
		}
		peers[i] = v.At(from, fmt.Sprintf("%d of an address", i+1), wire.NewPeerID())
		peers[i].HubKey = token
	}
	if err := peers[0].Join(ctx, v.Home); err != nil {
		return err
	}
	if err := peers[1].Dial(ctx); err == nil || !strings.Contains(err.Error(), "429") {
		return fmt.Errorf("a second session of an address: %w", cmp.Or(err, errors.New("the service accepted it")))
	}
	return peers[0].Close(ctx)
}

// leakFrom is the service for peers of one address.
type leakFrom struct {
	*leakTarget
	dialer net.Dialer
}

func (f *leakFrom) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return (&tls.Dialer{NetDialer: &f.dialer, Config: trusting}).DialContext(ctx, network, addr)
}

// forged dials with a wrong static token, with a malformed one, and with one that names an unknown key.
func (c *leakClients) forged(ctx context.Context, v *harness.Visit) error {
	unknown, err := c.sign("the key of "+string(v.ID), "anybody")
	if err != nil {
		return err
	}
	for _, token := range []string{"wrong", "not.a.token", unknown} {
		v.Peer.HubKey = token
		if err := v.Dial(ctx); err == nil {
			return errors.Join(fmt.Errorf("the service accepted the token %s", token), v.Drop())
		}
	}
	return nil
}

// crowdOperator opens more silent connections than the admin listener lets wait, and expects it to
// answer nevertheless.
func (c *leakClients) crowdOperator(ctx context.Context, _ *harness.Visit) error {
	c.crowded.Lock()
	defer c.crowded.Unlock()
	for range adminPending + adminPending/2 {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(c.admin, "http://"))
		if err != nil {
			return err
		}
		defer conn.Close()
	}
	settle.Pause(ctx, pendingSilence) // until they count as silent
	return settle.Until(ctx, func() error {
		_, err := readLeakPage(ctx, c.admin+"/livez", leakToken)
		return err
	})
}

// reload reloads the settings.
func (c *leakClients) reload(context.Context, *harness.Visit) error {
	c.service.reload()
	return nil
}

// report logs the state.
func (c *leakClients) report(context.Context, *harness.Visit) error {
	c.service.report()
	return nil
}

// restart runs the whole program from its start to its end, with a peer that leaves before.
func (c *leakClients) restart(ctx context.Context, _ *harness.Visit) error {
	return c.runProgram(ctx, exitOK, func(p *harness.Peer) error { return p.Leave(ctx) })
}

// restartCut runs the whole program with a peer that does not answer when the program ends.
func (c *leakClients) restartCut(ctx context.Context, _ *harness.Visit) error {
	return c.runProgram(ctx, exitForced, func(*harness.Peer) error { return nil }, "--close-timeout=1m", "--shutdown-timeout=100ms")
}

// runProgram runs the program beside the service, joins a peer, calls live, ends the program and
// compares its exit code.
func (c *leakClients) runProgram(ctx context.Context, want int, live func(*harness.Peer) error, flags ...string) error {
	running, end := context.WithCancel(ctx)
	defer end()
	tap, ended := newURLTap(), make(chan int, 1)
	go func() { ended <- run(running, slices.Concat(c.flags, flags), nil, io.Discard, tap) }()
	var url string
	select {
	case url = <-tap.public:
	case code := <-ended:
		return fmt.Errorf("the program ends with %d", code)
	}
	target, err := newLeakTarget(url, nil)
	if err != nil {
		return err
	}
	peer := harness.NewPeer(target, "the peer", wire.NewPeerID())
	peer.HubKey = leakToken
	err = peer.Join(ctx, "home")
	if err == nil {
		err = live(peer)
	}
	end()
	if code := <-ended; code != want {
		err = errors.Join(err, fmt.Errorf("the program ends with %d, want %d", code, want))
	}
	_ = peer.Drop() // the program has closed it
	return err
}

// newLeakClient returns a client that keeps no connection.
func newLeakClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: trusting}}
}

// readLeakPage requests a page on a connection of its own, with a token unless that is "".
func readLeakPage(ctx context.Context, url, token string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := newLeakClient().Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, errors.Join(err, res.Body.Close())
}
