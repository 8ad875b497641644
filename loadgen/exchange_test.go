package loadgen

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// patienceForAnswer is how many messages politeHub takes from a peer that owes it an answer.
const patienceForAnswer = 5

// politeHub is an echo server of binary frames. It asks "2" first, and ends the connection of
// a peer that goes on to speak and does not answer "3". It counts the messages that came before
// the reply to the one before.
type politeHub struct {
	done      sync.WaitGroup
	outOfTurn atomic.Int64
}

func (h *politeHub) start(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		h.done.Wait()
	})
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

func (h *politeHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.done.Add(1) // while the server still waits for this connection
	defer h.done.Done()
	u := websocket.Upgrader{}
	ws, err := u.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	came := make(chan []byte, 100)
	h.done.Go(func() {
		defer close(came)
		for {
			kind, b, err := ws.ReadMessage()
			if err != nil || kind != websocket.BinaryMessage {
				return
			}
			came <- b
		}
	})
	if ws.WriteMessage(websocket.TextMessage, []byte("2")) != nil {
		return
	}
	var early [][]byte // the peer may have spoken before it saw the question
	for b := range came {
		if string(b) == "3" {
			break
		}
		if early = append(early, b); len(early) > patienceForAnswer {
			return
		}
	}
	for _, b := range early {
		if ws.WriteMessage(websocket.BinaryMessage, b) != nil {
			return
		}
	}
	for b := range came {
		time.Sleep(2 * time.Millisecond) // it is slow: a peer that does not wait is seen
		h.outOfTurn.Add(int64(len(came)))
		if ws.WriteMessage(websocket.BinaryMessage, b) != nil {
			return
		}
	}
}

func politePlan(t *testing.T, text codec.Text) plan.Plan {
	t.Helper()
	text.Message, text.Binary = `\x01{sequence}`, true
	p, err := With(textPlan(t, text), plan.Phase{Peers: 4, Rate: 400, Duration: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Peers answer keep-alives, and wait for their turn: what was due in the meantime is sent
// later.
func TestTurns(t *testing.T) {
	t.Parallel()
	var h politeHub
	p := politePlan(t, codec.Text{Answers: []string{"2=3"}, Turns: true})
	r := run(t, Config{URL: h.start(t), Plan: p})
	if n := h.outOfTurn.Load(); n > 0 || r.Deliveries.Delivered == 0 || r.Deliveries.Lost > 0 {
		t.Errorf("%d messages came out of turn, deliveries %+v", n, r.Deliveries)
	}
	if r.Cut > 0 || len(r.Verdict.Failures)+len(r.Verdict.Invalid) > 0 {
		t.Errorf("%d connections were cut", r.Cut)
	}
}

// A peer that does not answer a keep-alive is ended. That is no fault of the target, and the
// report says what to add.
func TestUnansweredKeepAlive(t *testing.T) {
	t.Parallel()
	var h politeHub
	r := run(t, Config{URL: h.start(t), Plan: politePlan(t, codec.Text{}), waits: soonLost()})
	v := r.Verdict
	if !saysSilent(&r) || len(v.Failures) > 0 || r.Ignored == 0 {
		t.Errorf("outcome %s, failures %v, %d ends after a message that nothing answers", v.Outcome, v.Failures, r.Ignored)
	}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil || !strings.Contains(b.String(), `--answer "2=REPLY"`) {
		t.Errorf("the text does not name --answer: %v", err)
	}
}

// A target that never replies gets one message from each peer, and the others are counted.
func TestTurnsThatNeverCome(t *testing.T) {
	t.Parallel()
	p, err := With(textPlan(t, codec.Text{Turns: true, Reply: "never"}), plan.Phase{Peers: 2, Rate: 2000, Duration: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, Config{URL: (&chat{alone: true}).start(t), Plan: p, waits: soonLost()})
	if r.Deliveries.Sent != 2 || r.Withheld < 10 || !saysSilent(&r) {
		t.Errorf("deliveries %+v, %d withheld, outcome %s", r.Deliveries, r.Withheld, r.Verdict.Outcome)
	}
}
