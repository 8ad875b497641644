package serve_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/coder/websocket"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/serve"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// room is a hub for which nothing of this module was made: it is on another WebSocket library, and
// sends what one member says to all.
type room struct {
	forgets bool // a member that leaves

	mu      sync.Mutex
	members map[*websocket.Conn]struct{}
	serving int // connections
}

func (r *room) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.serve(1)
	defer r.serve(-1)
	conn, err := websocket.Accept(w, req, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	r.mu.Lock()
	r.members[conn] = struct{}{}
	r.mu.Unlock()
	for {
		_, text, err := conn.Read(context.Background())
		if err != nil {
			break
		}
		r.say(text)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forgets {
		delete(r.members, conn)
	}
}

func (r *room) serve(more int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serving += more
}

// quiet returns an error while a connection is served: until then it changes.
func (r *room) quiet() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.serving > 0 {
		return fmt.Errorf("%d connections are served", r.serving)
	}
	return nil
}

func (r *room) say(text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.members {
		_ = conn.Write(context.Background(), websocket.MessageText, text) // its reader notices
	}
}

// A campaign for a hub with a protocol and a WebSocket library of its own needs a function that
// connects a client, and a scenario for each way in which clients behave.
func Example() {
	for _, forgets := range []bool{true, false} {
		hub := &room{forgets: forgets, members: map[*websocket.Conn]struct{}{}}
		target, err := serve.TCP(hub)
		if err != nil {
			fmt.Println(err)
			return
		}
		connect := func(ctx context.Context, v *harness.Visit) (*websocket.Conn, error) {
			client := &http.Client{Transport: &http.Transport{DialContext: v.NetDial}}
			conn, _, err := websocket.Dial(ctx, v.URL(), &websocket.DialOptions{HTTPClient: client})
			return conn, err
		}
		speak := harness.Scenario{Name: "speak", Live: func(ctx context.Context, v *harness.Visit) error {
			conn, err := connect(ctx, v)
			if err != nil {
				return err
			}
			if err := conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
				return err
			}
			_, _, err = conn.Read(ctx)
			return errors.Join(err, conn.Close(websocket.StatusNormalClosure, "bye"))
		}}
		campaign := &harness.Campaign{
			Crowd: harness.Crowd{Target: target, Scenarios: []harness.Scenario{speak}, Seed: 1, AtOnce: 4, Join: func(ctx context.Context, v *harness.Visit) error {
				_, err := connect(ctx, v)
				return err
			}},
			Quiet:     hub.quiet,
			Detectors: []detect.Detector{&detect.Goroutines{}, &detect.Census{Roots: map[string]any{"room": hub}, Lock: &hub.mu}},
		}
		run, err := campaign.Run(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		v := verdict.Judge(run)
		fmt.Print(v.Outcome)
		for _, l := range v.Leaks {
			fmt.Print(" ", l.Field)
		}
		fmt.Println()
		_ = target.Stop(context.Background())
	}
	// Output:
	// pass
	// leak serve_test.room.members
}
