package hub_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// at is the world as seen through another URL: suffix goes behind the address.
func (w *world) at(suffix string) *world {
	v := *w
	v.url += suffix
	return &v
}

// in is the world for a subtest.
func (w *world) in(t *testing.T) *world {
	v := *w
	v.T = t
	return &v
}

// digits is the peer id that repeats a pattern of hexadecimal digits.
func digits(pattern string) wire.PeerID {
	return wire.PeerID(strings.Repeat(pattern, wire.PeerIDLen/len(pattern)))
}

// joinAs connects as id and announces.
func (w *world) joinAs(name string, id wire.PeerID, network string) *peer {
	w.Helper()
	p := w.connect(name, id)
	p.announce(network)
	return p
}

// connectWith connects with further headers in the request.
func (w *world) connectWith(header http.Header) *peer {
	w.Helper()
	c, err := wire.Dial(w.Context(), w.url, wire.NewPeerID(), &wire.DialOptions{NetDialContext: w.dialer, Header: header})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { c.Close() })
	p := &peer{Conn: c, w: w, name: fmt.Sprint(header)}
	p.want("connected")
	return p
}

// untilPong returns what comes before the next pong.
func (p *peer) untilPong() []wire.Message {
	p.w.Helper()
	var got []wire.Message
	for {
		m := p.next()
		if m.Type == "pong" {
			return got
		}
		got = append(got, m)
	}
}

// attend reads for the peer while f runs, and so answers pings as a browser does
// by itself. It returns what came.
func (p *peer) attend(f func()) []wire.Message {
	p.w.Helper()
	var got []wire.Message
	done := make(chan struct{})
	go func() {
		defer close(done)
		got = p.untilPong()
	}()
	f()
	p.raw(`{"type":"ping"}`)
	<-done
	return got
}

// wantTold asserts that what has come is exactly one message of the type about
// each of the peers, in this order.
func (p *peer) wantTold(typ string, about ...*peer) {
	p.w.Helper()
	var got, want []string
	for _, m := range p.fence() {
		got = append(got, fmt.Sprintf("%s %.8s", m.Type, subject(m)))
	}
	for _, q := range about {
		want = append(want, fmt.Sprintf("%s %.8s", typ, q.ID()))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		p.w.Errorf("%s received %q, want %q", p.name, got, want)
	}
}

var timestamps = regexp.MustCompile(`"timestamp":\d{13}`)

// nextText returns the next message as it stands on the wire, with T for the
// hub's clock.
func (p *peer) nextText() string {
	p.w.Helper()
	p.SetReceiveDeadline(time.Now().Add(10 * time.Second))
	b, err := p.ReceiveRaw()
	if err != nil {
		p.w.Fatalf("%s: receive: %v", p.name, err)
	}
	return timestamps.ReplaceAllString(string(b), `"timestamp":T`)
}

// wantText asserts the next message, byte by byte but for the time. In want, 'A'
// to 'F' between quotes stand for the id of that digit.
func (p *peer) wantText(want string) {
	p.w.Helper()
	for _, letter := range "ABCDEF" {
		want = strings.ReplaceAll(want, `"`+string(letter)+`"`, `"`+string(digits(strings.ToLower(string(letter))))+`"`)
	}
	if got := p.nextText(); got != want {
		p.w.Errorf("%s got\n%s, want\n%s", p.name, got, want)
	}
}

// wantStats settles until the collections have these lengths.
func (w *world) wantStats(peers, announced, networks, hubs int) {
	w.Helper()
	w.settle(func(st hub.Stats) string {
		if st.Peers != peers || st.Announced != announced || st.Networks != networks || st.Hubs != hubs {
			return fmt.Sprintf("peers %d, announced %d, networks %d, hubs %d, want %d %d %d %d",
				st.Peers, st.Announced, st.Networks, st.Hubs, peers, announced, networks, hubs)
		}
		return ""
	})
	if err := w.hub.CheckInvariants(); err != nil {
		w.Error(err)
	}
}

// wantSessions settles until the hub has as many sessions, ending ones included.
func (w *world) wantSessions(n int) {
	w.Helper()
	w.settle(func(st hub.Stats) string {
		if st.Sessions != n {
			return fmt.Sprintf("sessions are %d, want %d", st.Sessions, n)
		}
		return ""
	})
}

// wantCount settles until a counter of Stats has reached a value.
func (w *world) wantCount(what string, count func(hub.Stats) uint64, want uint64) {
	w.Helper()
	w.settle(func(st hub.Stats) string {
		if n := count(st); n < want {
			return fmt.Sprintf("%s is %d, want %d", what, n, want)
		}
		return ""
	})
}

// ended counts sessions by what they ended for.
func ended(why wire.CloseReason) func(hub.Stats) uint64 {
	return func(st hub.Stats) uint64 { return st.Ended[why.String()] }
}

// dropped counts messages by what they were dropped for.
func dropped(why hub.DropReason) func(hub.Stats) uint64 {
	return func(st hub.Stats) uint64 { return st.Dropped[why.String()] }
}

// refusedFor counts requests by what they were refused for before the upgrade.
func refusedFor(why hub.RefuseReason) func(hub.Stats) uint64 {
	return func(st hub.Stats) uint64 { return st.RefusedHTTP[why.String()] }
}
