package hub_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// What shipped clients rely on (protocol section 10, "Kept"),
// as the reference was recorded to do it.

func TestConnectedComesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	p, err := w.dial("alice", digits("a"))
	if err != nil {
		t.Fatal(err)
	}
	p.raw(`{"type":"ping"}`) // crosses the greeting on the wire
	p.wantText(`{"type":"connected","data":{"peerId":"A"},"fromPeerId":"system","timestamp":T}`)
	p.wantText(`{"type":"pong","data":{"timestamp":T},"fromPeerId":"system","targetPeerId":"A","timestamp":T}`)
}

func TestAnnounceIntroducesBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	a, b := w.joinAs("a", digits("a"), "n"), w.connect("b", digits("b"))
	b.raw(`{"type":"announce","networkName":"n","maxPeers":3,"data":{"peerId":"` + string(b.ID()) +
		`","z":1,"a":{"y":[1,2,{"q":null}],"x":1.50},"big":12345678901234567890,"u":"\u00e9é<>&\/"}}`)
	a.wantText(`{"type":"peer-discovered","data":{"peerId":"B","isHub":false,` +
		`"z":1,"a":{"y":[1,2,{"q":null}],"x":1.50},"big":12345678901234567890,"u":"\u00e9é<>&\/"},` +
		`"networkName":"n","fromPeerId":"system","targetPeerId":"A","timestamp":T}`)
	b.wantText(`{"type":"peer-discovered","data":{"peerId":"A","isHub":false},` +
		`"networkName":"n","fromPeerId":"system","targetPeerId":"B","timestamp":T}`)
	a.wantNothing()
	b.wantNothing()
}

func TestAnnounceListsMembersInTheOrderTheyJoined(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	a, b, c := w.join("a", "n"), w.join("b", "n"), w.join("c", "n")
	d := w.connect("d", "")
	d.Announce("n", nil)
	d.wantTold("peer-discovered", a, b, c)
	b.announce("elsewhere")
	d.wantTold("peer-disconnected", b)
	b.announce("n")
	d.wantTold("peer-discovered", b)
	e := w.connect("e", "")
	e.Announce("n", nil)
	e.wantTold("peer-discovered", a, c, d, b)
}

func TestAnnounceAgainRepeatsAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	a, b, c := w.join("a", "n"), w.join("b", "n"), w.join("c", "n")
	a.fence()
	b.fence()
	a.Announce("n", map[string]any{"round": 2})
	a.wantTold("peer-discovered", b, c)
	b.wantTold("peer-discovered", a)
	late := w.connect("late", "")
	late.Announce("n", nil)
	if m := late.want("peer-discovered"); subject(m) != a.ID() || !strings.Contains(string(m.Data), `"round":2`) {
		t.Errorf("a new member received %s first, want what a announced last", m.Data)
	}
}

// Absent and falsy names are the network global; data may be anything.
func TestAnnounceDefaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	alice := w.join("alice", "")
	for _, rest := range []string{
		``, `,"networkName":""`, `,"networkName":null`, `,"networkName":0`, `,"networkName":false`, `,"networkName":"global"`,
		`,"data":null`, `,"data":{}`, `,"data":7`, `,"data":true`, `,"data":"text"`, `,"data":[1,2]`,
	} {
		bob := w.connect("bob", digits("b"))
		bob.raw(`{"type":"announce"` + rest + `}`)
		if m := alice.next(); m.Type != "peer-discovered" || m.NetworkName != "global" || subject(m) != bob.ID() {
			t.Errorf("announce%s sent alice %+v", rest, m)
		}
		bob.fence()
		bob.SendClose(1000, "")
		bob.wantClose(1000, "")
		alice.want("peer-disconnected")
		w.wantSessions(1)
	}
}

func TestSignalIsRelayedByteByByte(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	a, b := w.joinAs("a", digits("a"), "n1"), w.joinAs("b", digits("b"), "n1")
	a.want("peer-discovered")
	const payload = `{"b":1,"a":[1.0,10000000000000000000000,1E2,"\u0041\/"],"10":1, "9" :2,"dup":1,"dup":2,"lone":"\ud800"}`
	for _, c := range []struct{ data, relayed string }{
		{`,"data":` + payload, `,"data":` + payload},
		{`,"data":null`, `,"data":null`},
		{`,"data":"text"`, `,"data":"text"`},
		{``, ``},
	} {
		for _, kind := range []string{"offer", "answer", "ice-candidate"} {
			a.raw(`{"maxPeers":3,"networkName":"n1","unknown":{"x":1}` + c.data + `,"targetPeerId":"` + string(b.ID()) + `","type":"` + kind + `"}`)
			b.wantText(`{"type":"` + kind + `"` + c.relayed + `,"fromPeerId":"A","targetPeerId":"B","networkName":"n1","timestamp":T}`)
		}
	}
	a.frames(hostile.Frame(hostile.Final|hostile.Binary, []byte(`{"type":"answer","data":1,"targetPeerId":"`+string(a.ID())+`","networkName":"n1"}`)))
	a.wantText(`{"type":"answer","data":1,"fromPeerId":"A","targetPeerId":"A","networkName":"n1","timestamp":T}`)
	b.wantNothing()
}

// What cannot be delivered is dropped without a word.
func TestSignalsAreGatedByNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	a, b := w.joinAs("a", digits("a"), "n1"), w.joinAs("b", digits("b"), "n1")
	other, nowhere, global := w.join("other", "n2"), w.connect("nowhere", ""), w.join("global", "")
	a.want("peer-discovered")
	offer := func(from *peer, target wire.PeerID, network string) {
		if err := from.Signal(wire.KindOffer, target, network, []byte(`1`)); err != nil {
			t.Fatal(err)
		}
		from.wantNothing()
	}
	offer(a, b.ID(), "n2")                                       // not the target's
	offer(a, b.ID(), "")                                         // absent means global
	offer(a, other.ID(), "n2")                                   // not the sender's
	offer(a, other.ID(), "n1")                                   // not the target's
	offer(a, wire.PeerID(strings.ToUpper(string(b.ID()))), "n1") // ids are opaque: another peer
	offer(a, digits("0"), "n1")                                  // an absent peer
	offer(a, "", "n1")                                           // no target
	offer(nowhere, b.ID(), "n1")
	offer(a, nowhere.ID(), "n1")
	for _, p := range []*peer{b, other, nowhere, global} {
		p.wantNothing()
	}
	// A peer that has not announced counts as global.
	offer(nowhere, global.ID(), "")
	if m := global.next(); m.Type != "offer" || m.NetworkName != "global" {
		t.Errorf("global got %+v, want the offer", m)
	}
	offer(global, nowhere.ID(), "global")
	if m := nowhere.next(); m.Type != "offer" || m.NetworkName != "global" {
		t.Errorf("nowhere got %+v, want the offer", m)
	}
}

const unroutedText = `{"type":"error","error":"Signaling server does not route '%s' messages. ` +
	`Use WebRTC data channels for peer-to-peer communication.","timestamp":T}`

func TestUnroutedTypesAreAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	p := w.connect("alice", digits("a"))
	for msg, word := range map[string]string{
		`{}`: "undefined", `[]`: "undefined", `5`: "undefined", `"x"`: "undefined", `true`: "undefined", `{"TYPE":"ping"}`: "undefined",
		`{"type":5}`: "5", `{"type":null}`: "null", `{"type":true}`: "true", `{"type":{}}`: "[object Object]", `{"type":""}`: "",
		`{"type":"Offer"}`: "Offer", `{"type":"connected"}`: "connected", `{"type":"pong"}`: "pong", `{"type":"error"}`: "error",
		`{"type":"peer-disconnected"}`: "peer-disconnected", `{"type":"cleanup-all"}`: "cleanup-all",
		`{"type":"a'b\"c\\d\u0065\n<&>"}`: `a'b\"c\\de\n<&>`,
	} {
		p.raw(msg)
		if got, want := p.nextText(), fmt.Sprintf(unroutedText, word); got != want {
			t.Errorf("%s was answered\n%s, want\n%s", msg, got, want)
		}
	}
}

func TestIgnoredWithoutAWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	p := w.join("alice", "n")
	for _, msg := range []string{
		`null`, `not json`, ``, `{"type":"offer"`, `{"type":"ping"}x`, "\ufeff" + `{"type":"ping"}`,
		`{"type":"cleanup","targetPeerId":"x","data":{"reason":"connection_established"}}`,
		`{"type":"peer-discovered","data":{"peerId":"` + string(digits("b")) + `"},"networkName":"n"}`,
	} {
		p.raw(msg)
		p.wantNothing()
	}
	p.frames(hostile.Frame(hostile.Final|hostile.Binary, []byte("\xff\xfe")))
	p.wantNothing()
	p.raw(" \t\r\n" + `{"type":"x","type":"ping"}` + "\n ") // the last one counts
	if m := p.next(); m.Type != "pong" {
		t.Errorf("got %+v, want pong", m)
	}
}

func TestPingFrameIsEchoed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	c := w.rawDial()
	c.say([]byte(rawUpgrade(rawTarget(digits("a")), "hub")))
	if status := c.status(); status != 101 {
		t.Fatalf("status %d, want 101", status)
	}
	c.say(hostile.Frame(hostile.Final|hostile.Ping, []byte("hello")))
	for {
		switch head, payload, err := c.frame(); {
		case err != nil:
			t.Fatal(err)
		case head == hostile.Final|hostile.Pong:
			if string(payload) != "hello" {
				t.Errorf("pong holds %q, want hello", payload)
			}
			return
		}
	}
}

// The recorded goodbye: of six members the five closest hear it, all hear
// peer-disconnected after it, whatever network the message names.
func TestGoodbyeGoesToTheFiveClosest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	var others []*peer
	for _, id := range []string{"12", "33", "1f", "14", "2f", "77"} {
		others = append(others, w.joinAs(id, digits(id), "g"))
	}
	leaver := w.joinAs("leaver", digits("11"), "g")
	for _, p := range others {
		p.fence()
	}
	leaver.raw(`{"type":"goodbye","data":{"peerId":"x","timestamp":1},"maxPeers":3}`)
	leaver.wantClose(1000, "goodbye")
	for _, p := range others {
		if p.name != "2f" {
			want := `{"type":"goodbye","data":{"peerId":"x","timestamp":1},"fromPeerId":"` + string(leaver.ID()) + `","networkName":"g","timestamp":T}`
			if got := p.nextText(); got != want {
				t.Errorf("%s got\n%s, want\n%s", p.name, got, want)
			}
		}
		want := `{"type":"peer-disconnected","data":{"peerId":"` + string(leaver.ID()) +
			`","isHub":false},"networkName":"g","fromPeerId":"system","targetPeerId":"` + string(p.ID()) + `","timestamp":T}`
		if got := p.nextText(); got != want {
			t.Errorf("%s got\n%s, want\n%s", p.name, got, want)
		}
		p.wantNothing()
	}
}

// One relayed message in 256 is timed, and each announce.
func TestLatencyIsMeasured(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MessageRate: -1})
	a, b := w.join("a", "n"), w.join("b", "n")
	for i := range 3 * 256 {
		a.raw(fmt.Sprintf(`{"type":"offer","networkName":"n","targetPeerId":%q,"data":{}}`, b.ID()))
		if i%256 == 255 { // two in one queue are not timed at once
			a.fence()
			b.fence()
		}
	}
	total := func(h hub.Histogram) (n uint64) {
		for _, c := range h.Counts {
			n += c
		}
		return n
	}
	st := w.hub.Stats()
	if got := [...]uint64{total(st.RelayTime), total(st.QueueWait), total(st.AnnounceTime)}; got != [...]uint64{3, 3, 2} {
		t.Errorf("%v relays, waits and announces are timed, want 3, 3 and 2", got)
	}
	if st.QueueWait.Sum > st.RelayTime.Sum || st.RelayTime.Sum <= 0 || st.AnnounceTime.Sum <= 0 {
		t.Errorf("the sums are %v, %v and %v seconds", st.RelayTime.Sum, st.QueueWait.Sum, st.AnnounceTime.Sum)
	}
}
