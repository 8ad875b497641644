//go:build unix

package regress_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// programCampaign puts peers and HTTP clients through a program that is read from outside.
type programCampaign struct {
	program *program
	target  harness.Target
	client  *http.Client
	crowd   harness.Crowd
	admin   chan struct{} // one value for each connection to the admin listener
	crowded sync.RWMutex  // write-locked while the admin listener has more than it lets wait
}

// adminAtOnce bounds the connections to the admin listener, which itself bounds those without
// a response.
const adminAtOnce = 4

// overTLS is a target that dials with TLS although its URL begins with ws.
type overTLS struct {
	harness.Target
	dialer tls.Dialer
}

func (t *overTLS) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return t.dialer.DialContext(ctx, network, addr)
}

func newProgramCampaign(p *program, secured bool) *programCampaign {
	GinkgoHelper()
	trusting := &tls.Config{InsecureSkipVerify: true} // the spec signs its certificate itself
	c := &programCampaign{program: p, admin: make(chan struct{}, adminAtOnce), client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: trusting}}}
	remote, err := harness.NewRemote(strings.Replace(p.url, "wss:", "ws:", 1))
	Expect(err).NotTo(HaveOccurred())
	c.target = remote
	if secured {
		c.target, c.crowd.Token = &overTLS{remote, tls.Dialer{Config: trusting}}, programToken
		c.crowd.Scenarios = append(c.crowd.Scenarios, harness.Scenario{Name: "plain", Live: c.plain})
	}
	c.crowd.Target, c.crowd.Seed, c.crowd.AtOnce, c.crowd.LifeLimit = c.target, uint64(GinkgoRandomSeed()), 16, programWait
	for _, s := range harness.Scenarios() {
		if slices.Contains(quickScenarios, s.Name) {
			c.crowd.Scenarios = append(c.crowd.Scenarios, s)
		}
	}
	c.crowd.Scenarios = append(c.crowd.Scenarios,
		harness.Scenario{Name: "pages", Live: c.pages}, harness.Scenario{Name: "follow", Live: c.follow, Waits: true},
		harness.Scenario{Name: "crowd-admin", Live: c.crowdAdmin, Waits: true, AtOnce: 1},
		harness.Scenario{Name: "strange", Live: c.strange}, harness.Scenario{Name: "silent", Live: c.silent}, harness.Scenario{Name: "refused", Live: c.refused})
	return c
}

// read requests a page, with the token if the program has one.
func (c *programCampaign) read(ctx context.Context, method, url string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	if c.crowd.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.crowd.Token)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close())
}

// acquireAdmin waits for a place at the admin listener. The function returned releases it.
func (c *programCampaign) acquireAdmin() (release func()) {
	c.crowded.RLock()
	c.admin <- struct{}{}
	return func() {
		<-c.admin
		c.crowded.RUnlock()
	}
}

// crowdAdmin opens more silent connections than the admin listener lets wait, and expects it to
// answer nevertheless.
func (c *programCampaign) crowdAdmin(ctx context.Context, _ *harness.Visit) error {
	c.crowded.Lock()
	defer c.crowded.Unlock()
	var dialer net.Dialer
	for range adminCrowd {
		conn, err := dialer.DialContext(ctx, "tcp", strings.TrimPrefix(c.program.admin, "http://"))
		if err != nil {
			return err
		}
		defer conn.Close()
		settle.Pause(ctx, 30*time.Millisecond) // so that the first has been silent for a while when the last is accepted
	}
	return settle.Until(ctx, func() error { return c.read(ctx, http.MethodGet, c.program.admin+"/livez") })
}

// adminCrowd is more connections than the admin listener lets wait.
const adminCrowd = 12

// pages requests all pages of both listeners.
func (c *programCampaign) pages(ctx context.Context, _ *harness.Visit) (err error) {
	for _, path := range []string{"/health", "/hubs", "/livez", "/readyz", "/metrics", "/nothing"} {
		err = errors.Join(err, c.read(ctx, http.MethodGet, c.program.page(path)))
	}
	defer c.acquireAdmin()()
	for _, path := range []string{"/", "/readyz", "/metrics", "/debug/state", "/debug/pprof/goroutine?debug=1"} {
		err = errors.Join(err, c.read(ctx, http.MethodGet, c.program.admin+path))
	}
	return errors.Join(err, c.read(ctx, http.MethodOptions, c.program.page("/health")))
}

// strange sends requests to both listeners. No other visit has their values.
func (c *programCampaign) strange(ctx context.Context, v *harness.Visit) error {
	public, err := hostile.Requests(ctx, c.program.page(""), string(v.ID), c.crowd.Token)
	if err != nil {
		return err
	}
	private, err := hostile.Requests(ctx, c.program.admin, string(v.ID), "")
	if err != nil {
		return err
	}
	if err := hostile.Ask(c.client, public); err != nil {
		return err
	}
	defer c.acquireAdmin()()
	return hostile.Ask(c.client, private)
}

// follow follows the operator's pages on one connection.
func (c *programCampaign) follow(ctx context.Context, v *harness.Visit) error {
	defer c.acquireAdmin()()
	return followPages(ctx, c.program.admin, v.ID)
}

// silent connects, sends nothing or half a request, and closes.
func (c *programCampaign) silent(ctx context.Context, v *harness.Visit) error {
	conn, err := c.target.Dial(ctx, "tcp", strings.SplitN(c.target.URL(), "://", 2)[1])
	if err != nil {
		return err
	}
	if v.Index%2 == 0 {
		_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgr")
	}
	return errors.Join(err, conn.Close())
}

// refused sends a CONNECT request to a program without a token, and a wrong token to one with a
// token.
func (c *programCampaign) refused(ctx context.Context, v *harness.Visit) error {
	if c.crowd.Token == "" {
		return c.read(ctx, http.MethodConnect, c.program.page("/"))
	}
	v.Peer.HubKey = "a wrong token"
	if err := v.Dial(ctx); err == nil {
		return errors.Join(errors.New("the program accepted a wrong token"), v.Drop())
	}
	return nil
}

// plain sends HTTP without TLS to a program that expects TLS.
func (c *programCampaign) plain(ctx context.Context, _ *harness.Visit) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.SplitN(c.target.URL(), "://", 2)[1])
	if err != nil {
		return err
	}
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n")
	_, ended := io.Copy(io.Discard, conn)
	return errors.Join(err, ended, conn.Close())
}

// ownReadings are the requests for profiles that the readings take. They come to the listener that
// operators use, so what it retains of a request is theirs, too.
const ownReadings = "readings"

// programCycles is the number of cycles after the warm-up.
const programCycles = 3

// run sends the peers of each cycle, reads the program after it, and returns the run.
func (c *programCampaign) run(ctx context.Context) verdict.Run {
	GinkgoHelper()
	run := verdict.Run{Name: "regress, program", Target: c.program.url, Seed: c.crowd.Seed, Start: time.Now()}
	var names []string
	for _, s := range c.crowd.Scenarios {
		names = append(names, s.Name)
		run.Scenarios = append(run.Scenarios, verdict.Scenario{Name: s.Name})
	}
	run.Cycles = verdict.Doses(names, programCycles, func(name string) int {
		if name == "follow" || name == "crowd-admin" {
			return 3
		}
		return 8
	}, c.crowd.Seed)
	warmUp := largestDoses(run.Cycles)
	for scenario, n := range filling {
		warmUp[scenario] += n
	}
	c.send(ctx, &run, 0, warmUp)
	rest, err := readProgram(ctx, c.program, nil)
	Expect(err).NotTo(HaveOccurred())
	readings := []*programReading{rest}
	own := verdict.Scenario{Name: ownReadings}
	for k, cycle := range run.Cycles {
		c.send(ctx, &run, k+1, cycle.Doses)
		now, err := readProgram(ctx, c.program, rest)
		Expect(err).NotTo(HaveOccurred())
		readings = append(readings, now)
		cycle.Doses[own.Name] = now.profiles
		own.Planned, own.Landed = own.Planned+now.profiles, own.Landed+now.profiles
	}
	run.Scenarios = append(run.Scenarios, own)
	run.Detectors = []verdict.Detector{
		{Name: "sites", State: verdict.Ready, Unit: "object", Noise: 2}, {Name: "goroutines", State: verdict.Ready, Unit: "goroutine"},
		{Name: "gauges", State: verdict.Ready, Unit: "count"}, {Name: "descriptors", State: verdict.Ready, Unit: "descriptor"},
	}
	run.Findings, run.Duration = programFindings(readings), time.Since(run.Start)
	return run
}

func (c *programCampaign) send(ctx context.Context, run *verdict.Run, k int, doses map[string]int64) {
	arrivals := c.crowd.Send(ctx, k, doses)
	if err := arrivals.Err(); err != nil {
		GinkgoWriter.Println(err)
	}
	for i := range run.Scenarios {
		s := &run.Scenarios[i]
		s.Planned, s.Landed = s.Planned+doses[s.Name], s.Landed+arrivals.Landed[s.Name]
	}
	run.Lives += arrivals.Lives()
}

// largestDoses returns the largest dose of each scenario over the cycles.
func largestDoses(cycles []verdict.Cycle) map[string]int64 {
	largest := map[string]int64{}
	for _, c := range cycles {
		for name, n := range c.Doses {
			largest[name] = max(largest[name], n)
		}
	}
	return largest
}
