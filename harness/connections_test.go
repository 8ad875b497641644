package harness_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// lossyHub greets peers over TCP and never closes the connections of some.
type lossyHub struct {
	*harness.Remote
	accepted *detect.Accepted
	open     fixture.Handlers
}

func (h *lossyHub) Accepted() *detect.Accepted { return h.accepted }

func (h *lossyHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.open.Enter() {
		return
	}
	defer h.open.Done()
	conn, err := new(websocket.Upgrader).Upgrade(w, r, nil) // the upgrade
	if err != nil {
		return
	}
	new(echoHub).talk(new(echoSession), conn)
	if _, _, err := conn.ReadMessage(); websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		conn.Close()
	}
}

// The findings of a campaign name the scenario of each connection that is left, and the
// line where the hub took it over.
func TestCampaignTellsWhoseConnections(t *testing.T) {
	hub := &lossyHub{accepted: detect.WatchAccepted(fixture.Listen(t, "tcp", "127.0.0.1:0"))}
	remote, err := harness.NewRemote("ws://" + hub.accepted.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	hub.Remote = remote
	server := &http.Server{Handler: hub, ReadHeaderTimeout: time.Minute}
	hub.open.Go(func() { server.Serve(hub.accepted) })
	t.Cleanup(func() {
		server.Close()
		hub.open.Wait()
	})
	campaign := campaignAt(hub, &detect.Descriptors{}, &detect.Unclosed{})
	campaign.Uncontrolled = true
	v := runCampaign(t, campaign)
	if len(v.Leaks) == 0 {
		t.Fatalf("outcome %s", v.Outcome)
	}
	l := v.Leaks[0]
	if l.Class != verdict.Unclosed || l.Source.String() != "scenario drop" || l.Born.Line != fixture.LineOf(t, "connections_test.go", "the upgrade").Line {
		t.Errorf("%s from %s, taken over at %s", l.Class, l.Source, l.Born)
	}
}

// fromPort is a target whose connections all have one local TCP address.
type fromPort struct{ harness.Target }

type fromPortConn struct{ net.Conn }

func (fromPortConn) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4242} }

func (f fromPort) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := f.Target.Dial(ctx, network, addr)
	return fromPortConn{conn}, err
}

// A crowd records which scenario used an address, and when.
func TestCrowdKnowsAddresses(t *testing.T) {
	live := func(ctx context.Context, v *harness.Visit) error { return v.Dial(ctx) }
	crowd := &harness.Crowd{Target: fromPort{startEchoHub(t)}, Scenarios: []harness.Scenario{{Name: "here", Live: live}, {Name: "there", Live: live}}}
	began := time.Now()
	var between time.Time
	for _, scenario := range []string{"here", "there"} {
		if err := crowd.Send(t.Context(), 1, map[string]int64{scenario: 1}).Err(); err != nil {
			t.Fatal(err)
		}
		if between.IsZero() {
			between = time.Now()
		}
	}
	const address = "127.0.0.1:4242"
	for at, want := range map[time.Time]string{began: "", between: "here", time.Now(): "there"} {
		if got := crowd.DialledBy(address, at); got != want {
			t.Errorf("the address is of scenario %q, want %q", got, want)
		}
	}
	if got := crowd.ScenarioOf(address); got != "there" || crowd.ScenarioOf("127.0.0.1:1") != "" {
		t.Errorf("the address is of scenario %q, want there", got)
	}
}
