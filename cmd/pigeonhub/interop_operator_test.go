//go:build interop

package main_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// screenshotsVariable names a folder that the screenshots of the operator's page are written to.
const screenshotsVariable = "SCREENSHOTS"

// operatorScreens are how operators look at the page.
var operatorScreens = []struct {
	name, scheme  string
	width, height int64
	mobile        bool
}{
	{"light", "light", 1280, 900, false},
	{"dark", "dark", 1280, 900, false},
	{"phone", "light", 360, 780, true},
	{"phone-dark", "dark", 360, 780, true},
}

// desk is a hub with its operator's page in a browser, in which pages cannot run scripts.
type desk struct {
	*testing.T
	hub   *hubProcess
	admin string // the page's address, with the token
	tab   context.Context
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	admin := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	h := startHub(t, workshop{dir: t.TempDir()}.candidate(t), freePort(t), "PIGEONHUB_ADMIN_ADDRESS="+admin, "PIGEONHUB_ADMIN_TOKEN=sesame",
		"PIGEONHUB_MESSAGE_BURST=30", "PIGEONHUB_MESSAGE_RATE=1", "PIGEONHUB_CLOSE_TIMEOUT=100ms", "PIGEONHUB_MEMORY_INTERVAL=5s")
	browser := startBrowser(t)
	tab, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	d := &desk{t, h, "http://ann:sesame@" + admin, tab}
	if err := chromedp.Do(tab); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	return d
}

// do runs steps in the browser.
func (d *desk) do(steps ...chromedp.Action[chromedp.Void]) {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.tab, answerLimit)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		d.Fatalf("the browser: %v", err)
	}
}

// says waits until the page says all the words.
func (d *desk) says(words ...string) {
	d.Helper()
	if err := poll(answerLimit, func() error {
		text, err := evaluate[string](d, "document.body.innerText")
		for _, w := range words {
			if err == nil && !strings.Contains(text, w) {
				err = fmt.Errorf("the page does not say %q:\n%s", w, text)
			}
		}
		return err
	}); err != nil {
		d.Fatal(err)
	}
}

func evaluate[T any](d *desk, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(d.tab, answerLimit)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression))
}

// connect connects a peer that announces and reads until its connection ends. The channel receives why.
func (d *desk) connect(id wire.PeerID, network string) (c *wire.Conn, ended <-chan error) {
	d.Helper()
	c, err := wire.Dial(d.Context(), "ws://"+d.hub.addr, id, nil)
	if err != nil {
		d.Fatal(err)
	}
	if err := c.Announce(network, nil); err != nil {
		d.Fatal(err)
	}
	why, read := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(read)
		for {
			if _, err := c.Receive(); err != nil {
				why <- err
				return
			}
		}
	}()
	d.Cleanup(func() {
		c.Close()
		<-read
	})
	return c, why
}

// look opens a page on each screen, checks whether it can be used there, and takes a screenshot.
func (d *desk) look(name, target string) {
	d.Helper()
	audit := string(readScript(d.T, "audit.js"))
	for _, s := range operatorScreens {
		_, err := chromedp.Call(d.tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: s.width, Height: s.height, DeviceScaleFactor: 1, Mobile: s.mobile,
		})
		if err != nil {
			d.Fatal(err)
		}
		if _, err = chromedp.Call(d.tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}},
		}); err != nil {
			d.Fatal(err)
		}
		d.do(chromedp.Navigate(d.admin + target))
		problems, err := evaluate[[]string](d, audit)
		if err != nil || len(problems) > 0 {
			d.Errorf("%s on %s: %v\n%s", target, s.name, err, strings.Join(problems, "\n"))
		}
		if dark, _ := evaluate[string](d, "getComputedStyle(document.body).backgroundColor"); (dark == "rgb(255, 255, 255)") != (s.scheme == "light") {
			d.Errorf("%s on %s has the background %s", target, s.name, dark)
		}
		d.screenshot(name + "-" + s.name)
	}
}

func (d *desk) screenshot(name string) {
	d.Helper()
	folder := os.Getenv(screenshotsVariable)
	if folder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(d.tab, answerLimit)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644)
	}
	if err != nil {
		d.Fatal(err)
	}
}

func readScript(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(scripts, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestInteropOperator is an operator's night: look at the hub on each screen, find a peer, disconnect it,
// see why it is gone, and drain the hub. No script runs in the pages.
func TestInteropOperator(t *testing.T) {
	d := openDesk(t)
	victim, flooder := wire.NewPeerID(), wire.NewPeerID()
	for i := range 12 {
		d.connect(wire.NewPeerID(), []string{"meadow", "barn", "\u202e<script>alert(1)</script>" + strings.Repeat("W", 200)}[i%3])
	}
	if c, err := wire.Dial(t.Context(), "ws://"+d.hub.addr, "no id", nil); err == nil {
		defer c.Close() // the hub refuses it after the handshake
	}
	_, gone := d.connect(victim, "meadow")
	flood, _ := d.connect(flooder, "barn")
	for range 60 {
		flood.SendRaw([]byte(`{"type":"cleanup"}`))
	}
	d.do(chromedp.Navigate(d.admin + "/?follow=1"))
	d.says("Serving", "message_rate", "invalid_peer_id", "meadow", "resident", "The last hour") // it loads itself again until it has moments to draw
	d.look("overview", "/")
	d.look("peer", "/peers/"+string(victim))
	d.look("search", "/peers?q=127.0.0.1")

	d.do(chromedp.Navigate(d.admin+"/peers/"+string(flooder)), chromedp.WaitVisible(chromedp.CSS("h2")))
	d.says("This peer is not connected.", "cut, message_rate: more messages than")
	d.do(chromedp.Navigate(d.admin+"/"), chromedp.SendKeys(chromedp.CSS("#q"), string(victim)+"\r"))
	d.says("Network\nmeadow", "Disconnect")
	d.do(chromedp.Click(chromedp.CSS("form.act button")))
	d.says("This peer is not connected.", "cut, operator: an operator disconnected it on this page.")
	if err := <-gone; !strings.Contains(err.Error(), "operator") {
		t.Errorf("the peer gets %v", err)
	}

	d.do(chromedp.Navigate(d.admin+"/"), chromedp.Click(chromedp.CSS("form.act button")))
	if got, _ := evaluate[string](d, "location.pathname"); got != "/" || strings.Contains(d.hub.log.String(), "drain") {
		t.Errorf("the form was sent to %s although the box is not checked", got)
	}
	d.do(chromedp.Click(chromedp.CSS("input[type=checkbox]")), chromedp.Click(chromedp.CSS("form.act button")))
	d.hub.wait(t)
	if log := d.hub.log.String(); !strings.Contains(log, "operator action") || !strings.Contains(log, "hub stopped") {
		t.Errorf("the log is\n%s", indent(log))
	}
}
