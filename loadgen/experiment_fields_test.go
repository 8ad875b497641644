package loadgen

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness/probe"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
)

// counting is an echo server whose /health page has numbers of all kinds.
type counting struct {
	leaks                                                     bool // it retains each second connection
	accepted, connections, messages, lastSeen, polled, opened atomic.Int64
}

func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/health" {
		heap := 4_000_000 + 1000*(c.polled.Add(1)%50) + 200*c.connections.Load()
		fmt.Fprintf(w, `{"connections":%d,"heap":%d,"messages":%d,"lastSeen":%d,"opened":%d}`,
			c.connections.Load(), heap, c.messages.Load(), c.lastSeen.Load(), c.opened.Load())
		return
	}
	ws, err := new(websocket.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	c.connections.Add(1)
	if !c.leaks || c.accepted.Add(1)%2 == 0 {
		defer c.connections.Add(-1)
	}
	c.opened.Add(1)
	for {
		kind, message, err := ws.ReadMessage()
		if err != nil || ws.WriteMessage(kind, message) != nil {
			return
		}
		c.messages.Add(1)
		c.lastSeen.Store(time.Now().UnixMilli())
	}
}

// Totals, times and bytes of a page are no collections, whatever their names, and a
// collection that leaks is found beside them.
func TestFields(t *testing.T) {
	t.Parallel()
	for _, leaks := range []bool{false, true} {
		t.Run(fmt.Sprint("leaks ", leaks), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(&counting{leaks: leaks})
			t.Cleanup(server.Close)
			p := quickCheck(t, 44)
			p.Text = &codec.Text{}
			r := run(t, Config{URL: strings.Replace(server.URL, "http", "ws", 1), Plan: p})
			v := r.Verdict
			for _, l := range v.Leaks {
				if l.Field != "health.connections" || !leaks {
					t.Errorf("leak %+v", l)
				}
			}
			if r.Timing.Outcome != verdict.None {
				return // the machine is busy, and the check is too short to be sure of more
			}
			if found := len(v.Leaks) == 1 && v.Leaks[0].Field == "health.connections"; found != leaks || len(v.Leaks) > 1 {
				t.Errorf("leaks %+v", v.Leaks)
			}
			var doubted []string
			for _, d := range v.Doubts {
				doubted = append(doubted, d.About)
			}
			for _, tr := range v.Trends {
				if tr.Series != "health.connections" || (tr.Outcome == verdict.Leaking) != leaks {
					t.Errorf("%s is judged: %s", tr.Series, tr.Outcome)
				}
			}
			if !strings.Contains(fmt.Sprint(doubted), "health.opened") {
				t.Errorf("doubts %q: every peer may have been retained", doubted)
			}
		})
	}
}

// Bytes that rise while no peer is there are no collection, though they may end a block
// lower than they began it; a count to which each page adds its own connection is one.
func TestBehaviour(t *testing.T) {
	polled, connections := 0.0, 0.0
	page := probe.Probe{Name: "health", Read: func(context.Context) (map[string]float64, error) {
		polled++
		return map[string]float64{
			"heap":        4_000_000 + 1000*float64(int(polled)%50),
			"connections": connections + float64(int(polled)%2),
		}, nil
	}}
	e := &experiment{phaseRun: &phaseRun{target: &target{probes: []probe.Probe{page}}}, peak: reading{"health.connections": 200}, seen: 200}
	read := func() reading {
		now, err := e.target.read(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	e.first = read()
	rest := e.first
	for pair := range 6 {
		for _, dose := range []float64{40, 0} {
			e.target.idle.Store(dose == 0)
			connections += dose / 2
			b := block{dose: dose, before: rest, after: read()}
			for range 40 + pair {
				b.after.lower(read())
			}
			rest = b.after
			e.blocks = append(e.blocks, b)
		}
	}
	for name, want := range map[string]behaviour{"health.heap": restless, "health.connections": collection} {
		if got := e.behaviour(name); got != want {
			t.Errorf("%s is taken for %d, want %d", name, got, want)
		}
	}
}

// A count that is off by one now and then while no peer is there is judged when it grows with
// peers. One that grows without them as well is not.
func TestBehaviourOffByOne(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		idle []float64 // rises of blocks without peers
		want behaviour
	}{
		"quiet": {[]float64{0, 0, 0, 0}, collection}, "off by one": {[]float64{1, 1, 0, 0}, collection}, "idle": {[]float64{9, 7, 8, 9}, restless},
	} {
		e := &experiment{phaseRun: &phaseRun{target: &target{moves: map[string]moves{"health.peers": {fell: true}}}}, first: reading{"health.peers": 1}}
		level := 1.0
		rise := func(dose, by float64) {
			e.blocks = append(e.blocks, block{dose: dose, before: reading{"health.peers": level}, after: reading{"health.peers": level + by}})
			level += by
		}
		for _, by := range tt.idle {
			rise(70, 17)
			rise(0, by)
		}
		if got := e.behaviour("health.peers"); got != tt.want {
			t.Errorf("%s: taken for %d, want %d", name, got, tt.want)
		}
	}
}

// Only a field of a page may be a total: goroutines that can never end do not fall either.
func TestNeverFell(t *testing.T) {
	t.Parallel()
	level := func(n float64) reading {
		return reading{"health.opened": n, "pprof.goroutines_leaked": n}
	}
	e := &experiment{phaseRun: &phaseRun{target: &target{}}, first: level(1), peak: level(1)}
	for k := range 8 {
		before, after := level(float64(1+10*k)), level(float64(11+10*k))
		e.blocks = append(e.blocks, block{dose: 10, before: before, after: after}, block{before: after, after: after})
		e.cycles = append(e.cycles, verdict.Cycle{Doses: map[string]int64{"rst": 10}})
	}
	if list := e.neverFell(); len(list) != 1 || list[0].About != "health.opened" {
		t.Errorf("doubts %+v", list)
	}
}
