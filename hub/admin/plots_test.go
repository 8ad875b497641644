package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// watch opens the connection of a page that shows the plots.
func (w *world) watch() (*websocket.Conn, *http.Response) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, resp, err := websocket.DefaultDialer.DialContext(ctx, "ws://"+w.private+"/debug/statsviz/ws", nil)
	if err != nil && resp == nil {
		w.Fatal(err)
	}
	if c != nil {
		w.Cleanup(func() { c.Close() })
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
	}
	return c, resp
}

// watchNow is watch where nothing should be in the way but the server before it,
// which takes up to a second to retire.
func (w *world) watchNow() *websocket.Conn {
	w.Helper()
	var c *websocket.Conn
	w.settle(func() string {
		got, resp := w.watch()
		if got == nil {
			return "the plots answer " + resp.Status
		}
		c = got
		return ""
	})
	return c
}

// plotsMessage is a message of statsviz, of two kinds.
type plotsMessage struct {
	Event string
	Data  json.RawMessage
}

func (w *world) plotsMessage(c *websocket.Conn) plotsMessage {
	w.Helper()
	var m plotsMessage
	if err := c.ReadJSON(&m); err != nil {
		w.Fatal(err)
	}
	return m
}

// wantCut reads until the connection ends, which must be before its deadline.
func (w *world) wantCut(c *websocket.Conn) {
	w.Helper()
	for {
		_, _, err := c.NextReader()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			w.Error("the connection is still open")
		}
		if err != nil {
			return
		}
	}
}

// wantNoStatsviz asserts that nothing of statsviz runs any more. Other tests run
// at the same time, so goleak has to wait for the end of them all.
func (w *world) wantNoStatsviz() {
	w.Helper()
	w.settle(func() string {
		buf := make([]byte, 4<<20)
		stacks := string(buf[:runtime.Stack(buf, true)])
		if at := strings.Index(stacks, "arl/statsviz"); at >= 0 {
			return stacks[at:min(at+200, len(stacks))]
		}
		return ""
	})
}

// statsviz allows one server in a process, so its tests are subtests of one.
func TestPlots(t *testing.T) {
	t.Parallel()
	t.Run("readings", testPlotsReadings)
	t.Run("page_that_leaves", testPlotsPageThatLeaves)
	t.Run("stop_cuts_all_viewers", testPlotsStop)
	t.Run("one_hub_at_a_time", testPlotsOneHub)
	t.Run("other_origin", testPlotsOtherOrigin)
}

func testPlotsReadings(t *testing.T) {
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	peer := w.connect("/", wire.NewPeerID())
	w.raw(peer, `{"type":"announce","networkName":"n"}`)
	c := w.watchNow()
	if m := w.plotsMessage(c); m.Event != "config" || !strings.Contains(string(m.Data), `"hub-dropped"`) {
		t.Fatalf("first message is %s %.300s, want the configuration with our plots", m.Event, m.Data)
	}
	series := w.reading(c)
	want := map[string][]float64{"hub-connections": {1, 0, 1, 0}, "hub-networks": {1, 1, 1}, "hub-queued": {0}}
	for name, values := range want {
		var got []float64
		json.Unmarshal(series[name], &got)
		if !slices.Equal(got, values) {
			t.Errorf("%s is %s, want %v", name, series[name], values)
		}
	}
	w.raw(peer, `not json`)
	w.wantRate(c, "hub-dropped", int(hub.NumDropReasons))
}

// wantRate asserts that in one of the next readings the series of a plot are n in
// number and not all zero.
func (w *world) wantRate(c *websocket.Conn, plot string, n int) {
	w.Helper()
	for {
		var got []float64
		json.Unmarshal(w.reading(c)[plot], &got)
		if len(got) != n {
			w.Fatalf("%s is %v, want %d series", plot, got, n)
		}
		if slices.Max(got) > 0 {
			return
		}
	}
}

// reading returns the next values of all plots.
func (w *world) reading(c *websocket.Conn) map[string]json.RawMessage {
	w.Helper()
	m := w.plotsMessage(c)
	var data struct{ Series map[string]json.RawMessage }
	if err := json.Unmarshal(m.Data, &data); err != nil || m.Event != "metrics" {
		w.Fatalf("got %s %.300s (%v), want metrics", m.Event, m.Data, err)
	}
	return data.Series
}

// The connection of a page that has gone is closed at once, not with the next
// garbage collection, and a page that is reloaded finds the plots again.
func testPlotsPageThatLeaves(t *testing.T) {
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	for range 3 {
		c := w.watchNow()
		w.plotsMessage(c)
		c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1001, ""), time.Now().Add(time.Second))
		w.wantCut(c)
	}
	w.stop()
	w.wantNoStatsviz()
}

func testPlotsStop(t *testing.T) {
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	var viewers []*websocket.Conn
	for range 8 {
		viewers = append(viewers, w.watchNow())
	}
	if c, resp := w.watch(); c != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one viewer too many: got %s, want 503", resp.Status)
	}
	w.plotsMessage(viewers[0])
	began := time.Now()
	w.stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stop took %v", took)
	}
	for _, c := range viewers {
		w.wantCut(c)
	}
	w.wantNoStatsviz()
	w.stop()
	if c, resp := w.watch(); c != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after stop the plots answer %s, want 503", resp.Status)
	}
}

func testPlotsOneHub(t *testing.T) {
	first, second := newWorld(t, hub.Config{}, admin.PublicConfig{}), newWorld(t, hub.Config{}, admin.PublicConfig{})
	first.watchNow()
	if c, resp := second.watch(); c != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a second hub's plots: got %s, want 503", resp.Status)
	}
	first.stop()
	second.plotsMessage(second.watchNow())
}

// A page of another origin must not read the plots through the browser of an operator.
func testPlotsOtherOrigin(t *testing.T) {
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	got := w.ask(w.private, "GET", "/debug/statsviz/ws", "Upgrade: websocket", "Connection: Upgrade", "Origin: https://evil.example",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
	if got.status != http.StatusForbidden {
		t.Errorf("got %d, want 403", got.status)
	}
}
