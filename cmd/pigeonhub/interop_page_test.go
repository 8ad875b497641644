//go:build interop

package main_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// A mesh is the pages of the story and the hub they meet at.
type mesh struct {
	t       *testing.T
	hub     *hubProcess
	browser context.Context
	site    string
	pages   []*tab
	rounds  int
}

// A tab is one page with one peer, in a browser profile and a process of its own.
type tab struct {
	name string
	id   string
	ctx  context.Context
}

// knowledge is what a page reports.
type knowledge struct {
	PeerID     string   `json:"peerId"`
	Connected  bool     `json:"connected"`
	Discovered []string `json:"discovered"`
	Peers      []struct {
		PeerID string `json:"peerId"`
		Status string `json:"status"`
	} `json:"peers"`
	Heard []struct {
		From    string `json:"from"`
		Content string `json:"content"`
	} `json:"heard"`
	Log []string `json:"log"`
}

// open loads the page and joins the network, once for each name.
func (m *mesh) open(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		// Not the subtest's context: the page lives on.
		ctx, cancel := chromedp.NewContext(m.browser, chromedp.WithNewBrowserContext())
		m.t.Cleanup(cancel)
		p := &tab{name: name, ctx: ctx}
		if err := chromedp.Do(ctx, chromedp.Navigate(m.site+"/page.html")); err != nil {
			t.Fatalf("%s: open the page: %v", name, err)
		}
		id, err := ask[string](p, fmt.Sprintf("interop.start(%q, %q)", "ws://"+m.hub.addr, "meadow"))
		if err != nil {
			t.Fatalf("%s: join: %v", name, err)
		}
		p.id = id
		m.pages = append(m.pages, p)
	}
}

// ask evaluates an expression in the page and awaits it.
func ask[T any](p *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, answerLimit)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

func (p *tab) report() (knowledge, error) { return ask[knowledge](p, "interop.report()") }

// all waits until every page's report satisfies check.
func (m *mesh) all(t *testing.T, limit time.Duration, what string, check func(knowledge) error) {
	t.Helper()
	for _, p := range m.pages {
		err := poll(limit, func() error {
			k, err := p.report()
			if err != nil {
				return err
			}
			return check(k)
		})
		if err != nil {
			t.Fatalf("%s does not %s: %v", p.name, what, err)
		}
	}
}

// connected waits until every page says that it is, or is not, connected to the
// hub.
func (m *mesh) connected(t *testing.T, want bool) {
	t.Helper()
	m.all(t, reconnectLimit, fmt.Sprintf("come to be connected=%v", want), func(k knowledge) error {
		if k.Connected != want {
			return fmt.Errorf("connected=%v", k.Connected)
		}
		return nil
	})
}

// linked waits until every page has discovered every other and has a WebRTC
// connection to it.
func (m *mesh) linked(t *testing.T) {
	t.Helper()
	m.all(t, meshLimit, "connect to all others", func(k knowledge) error {
		for _, other := range m.pages {
			if other.id == k.PeerID {
				continue
			}
			if !slices.Contains(k.Discovered, other.id) {
				return fmt.Errorf("has not discovered %s", other.name)
			}
			if status := k.status(other.id); status != "connected" {
				return fmt.Errorf("%s is %q", other.name, status)
			}
		}
		return nil
	})
}

func (k knowledge) status(id string) string {
	for _, p := range k.Peers {
		if p.PeerID == id {
			return p.Status
		}
	}
	return "unlinked"
}

// chat sends a message from every page and waits until every other page has received it. The hub
// relays no such messages, so they must have used data channels.
func (m *mesh) chat(t *testing.T) {
	t.Helper()
	m.rounds++
	saying := func(p *tab) string { return fmt.Sprintf("round %d from %s", m.rounds, p.name) }
	for _, p := range m.pages {
		if _, err := ask[bool](p, fmt.Sprintf("interop.say(%q)", saying(p))); err != nil {
			t.Fatalf("%s: say: %v", p.name, err)
		}
	}
	m.all(t, meshLimit, "receive from all others", func(k knowledge) error {
		for _, other := range m.pages {
			if other.id != k.PeerID && !k.heard(other.id, saying(other)) {
				return fmt.Errorf("has not heard %q", saying(other))
			}
		}
		return nil
	})
}

func (k knowledge) heard(from, content string) bool {
	for _, h := range k.Heard {
		if h.From == from && h.Content == content {
			return true
		}
	}
	return false
}

// counted waits until the hub counts n connections.
func (m *mesh) counted(t *testing.T, n int) {
	t.Helper()
	if err := poll(meshLimit, func() error { return m.hub.connections(n) }); err != nil {
		t.Fatalf("%d pages are there: %v", n, err)
	}
}

// crash kills the process of a page: no unload handler runs, no goodbye is said.
func (m *mesh) crash(t *testing.T, name string) {
	t.Helper()
	i := slices.IndexFunc(m.pages, func(p *tab) bool { return p.name == name })
	victim := m.pages[i]
	m.pages = slices.Delete(m.pages, i, i+1)
	// A process that has crashed does not answer; what counts is asked of the hub.
	ctx, cancel := context.WithTimeout(victim.ctx, crashLimit)
	defer cancel()
	_, _ = chromedp.Call(ctx, page.Crash, cdp.Empty{})
}

// explain prints what each page knows.
func (m *mesh) explain() {
	for _, p := range m.pages {
		k, err := p.report()
		if err != nil {
			m.t.Logf("%s %s: %v", p.name, p.id, err)
			continue
		}
		m.t.Logf("%s %s connected=%v discovered=%v peers=%v heard=%v\n%s",
			p.name, p.id, k.Connected, k.Discovered, k.Peers, k.Heard, indent(strings.Join(k.Log, "\n")))
	}
}
