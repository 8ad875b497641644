package loadgen

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// chat is a hub of the shape of gorilla's chat example: what one says, all hear, and
// what waits for a slow one is put into one message with newlines. It hears only
// those in its room, which is the path. Alone, it is an echo server.
type chat struct {
	alone bool // each is in a room of its own, and each message is one
	lose  bool // every other message
	twice bool // says everything twice

	mu    sync.Mutex
	rooms map[string]map[*chatter]bool
	heard []string // the first messages
	done  sync.WaitGroup
}

type chatter struct {
	ws   *websocket.Conn
	send chan []byte
}

func (c *chat) start(t *testing.T) string {
	t.Helper()
	c.rooms = map[string]map[*chatter]bool{}
	s := httptest.NewServer(c)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		c.done.Wait()
	})
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

func (c *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/health" {
		c.mu.Lock()
		defer c.mu.Unlock()
		n := 0
		for _, room := range c.rooms {
			n += len(room)
		}
		fmt.Fprintf(w, `{"clients":%d}`, n)
		return
	}
	c.done.Add(1) // while the server still waits for this connection
	defer c.done.Done()
	u := websocket.Upgrader{}
	ws, err := u.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	room := r.URL.Path
	if c.alone {
		room = r.RemoteAddr
	}
	p := &chatter{ws, make(chan []byte, 4096)}
	c.enter(room, p)
	c.done.Go(func() { p.write(!c.alone) })
	c.done.Go(func() { c.read(room, p) })
}

func (c *chat) enter(room string, p *chatter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rooms[room] == nil {
		c.rooms[room] = map[*chatter]bool{}
	}
	c.rooms[room][p] = true
}

func (c *chat) read(room string, p *chatter) {
	defer func() {
		c.mu.Lock()
		delete(c.rooms[room], p)
		c.mu.Unlock()
		close(p.send)
	}()
	for n := 0; ; n++ {
		_, b, err := p.ws.ReadMessage()
		if err != nil {
			return
		}
		if n == 0 {
			c.mu.Lock()
			c.heard = append(c.heard, string(b))
			c.mu.Unlock()
		}
		if !c.lose || n%2 == 1 {
			c.broadcast(room, b)
		}
		if c.twice {
			c.broadcast(room, b)
		}
	}
}

func (c *chat) broadcast(room string, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for o := range c.rooms[room] {
		select {
		case o.send <- b:
		default: // too slow, as the example has it
		}
	}
}

func (p *chatter) write(together bool) {
	defer p.ws.Close()
	for b := range p.send {
		for n := len(p.send); together && n > 0; n-- {
			b = append(append(b[:len(b):len(b)], '\n'), <-p.send...)
		}
		p.ws.SetWriteDeadline(time.Now().Add(30 * time.Second))
		if p.ws.WriteMessage(websocket.TextMessage, b) != nil {
			break
		}
	}
	for range p.send { // until the reader ends it
	}
}

// textPlan has peers in two networks that say something at a rate.
func textPlan(t *testing.T, text codec.Text) plan.Plan {
	t.Helper()
	p, err := PlanOf("steady")
	if err == nil {
		p.Text, p.Seed = &text, 21
		p, err = With(p, plan.Phase{Peers: 20, Rate: 400, Duration: 3 * time.Second, Networks: 2})
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Peers speak to servers that know nothing of PeerPigeon: deliveries are counted, and
// their times taken.
func TestText(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		server *chat
		text   codec.Text
		want   func(delivery.Counts) bool
		waits  waits
	}{
		"echo":       {&chat{alone: true}, codec.Text{}, allDelivered, usualWaits},
		"chat":       {&chat{}, codec.Text{URL: "/{network}?name={index}", First: `{"hello":"{id}"}`, Message: `{"from":"{id}","n":{sequence}}`}, allDelivered, usualWaits},
		"expression": {&chat{}, codec.Text{URL: "/{network}", Reply: `/{id}[ ]+{sequence}\b/`}, allDelivered, usualWaits},
		"in order":   {&chat{alone: true}, codec.Text{Message: "hello", Reply: "hell"}, allDelivered, usualWaits},
		"lossy":      {&chat{alone: true, lose: true}, codec.Text{}, func(d delivery.Counts) bool { return d.Lost+d.Explained > 450 && d.Delivered < 750 }, soonLost()},
		"twice":      {&chat{alone: true, twice: true}, codec.Text{}, func(d delivery.Counts) bool { return d.Duplicated > 900 }, usualWaits},
		"other":      {&chat{alone: true}, codec.Text{Reply: "something else"}, func(d delivery.Counts) bool { return d.Delivered == 0 && d.Lost+d.Explained > 900 }, soonLost()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, Config{URL: tt.server.start(t), Plan: textPlan(t, tt.text), waits: tt.waits})
			if !tt.want(r.Deliveries) || len(r.Errors) > 0 || r.Deliveries.Misrouted > 0 {
				t.Errorf("deliveries %+v, errors %v", r.Deliveries, r.Errors)
			}
			if got := r.Latencies.Hops[latency.HopReply].Latency.Count(); got > r.Deliveries.Delivered || got < r.Deliveries.Delivered*3/4 { // what came after its sender left has none
				t.Errorf("%d times of %d deliveries", got, r.Deliveries.Delivered)
			}
			if tt.text.First != "" && (len(tt.server.heard) != 20 || !strings.HasPrefix(tt.server.heard[0], `{"hello":"`)) {
				t.Errorf("the first messages are %q", tt.server.heard)
			}
		})
	}
}

// soonLost waits only a second for a message that no reply answers.
func soonLost() waits {
	w := usualWaits
	w.delivery = time.Second
	return w
}

// allDelivered reports whether all messages were: no peer leaves before its replies came.
func allDelivered(d delivery.Counts) bool { return d == delivery.Counts{Sent: 1200, Delivered: 1200} }

// The leak verdict, too: the scenarios that need words which the codec lacks are left
// out.
func TestTextCheck(t *testing.T) {
	t.Parallel()
	p := quickCheck(t, 22)
	p.Text = &codec.Text{}
	r := run(t, Config{URL: (&chat{alone: true}).start(t), Plan: p})
	if v := r.Verdict; v.Outcome != verdict.Pass || len(v.Scenarios) != 5 {
		t.Errorf("outcome %s with %d scenarios", v.Outcome, len(v.Scenarios))
	}
}
