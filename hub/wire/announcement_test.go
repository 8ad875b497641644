package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func TestParseAnnouncement(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		data, extra string
		isHub       bool
	}{
		{``, ``, false},
		{`null`, ``, false},
		{`5`, ``, false},
		{`"str"`, ``, false}, // the reference spreads strings and arrays into keys 0, 1, 2
		{`[7,8]`, ``, false},
		{`true`, ``, false},
		{`{}`, ``, false},
		{`{"peerId":"x"}`, ``, false},
		{`{"isHub":true}`, ``, true},
		{`{"isHub":"yes"}`, ``, false}, // only true is true
		{`{"isHub":1}`, ``, false},
		{`{"isHub":true,"isHub":false}`, ``, false},
		{`{"isHub":false,"isHub":true}`, ``, true},
		{`{"is\u0048ub":true}`, ``, true},
		{`{"isHub":true,"\u0069sHub":null}`, ``, false},
		{`{"\u0070\u0065\u0065\u0072\u0049\u0064":"x","a":1}`, `,"a":1`, false},
		{`{"peerId":"x","peerId":"y","a":1,"isHub":true}`, `,"a":1`, true},
		{`{"PeerId":1,"ishub":true,"peerId ":2}`, `,"PeerId":1,"ishub":true,"peerId ":2`, false},
		{`{"b":2,"a":1,"2":"two","1":"one"}`, `,"b":2,"a":1,"2":"two","1":"one"`, false},
		{`{"dup":1,"dup":2}`, `,"dup":1,"dup":2`, false},
		{`{"big":12345678901234567890,"x":1.50,"neg0":-0}`, `,"big":12345678901234567890,"x":1.50,"neg0":-0`, false},
		{`{"u":"\u00e9\u2028<>&\/ \ud83d\ude00 é","lone":"\ud800"}`, `,"u":"\u00e9\u2028<>&\/ \ud83d\ude00 é","lone":"\ud800"`, false},
		{`{"n":{"peerId":"x","isHub":true,"a":[{"isHub":1}]}}`, `,"n":{"peerId":"x","isHub":true,"a":[{"isHub":1}]}`, false},
		{`{"\u0061\"":{}}`, `,"\u0061\"":{}`, false},
		{`{"":0}`, `,"":0`, false},
		{" {\t\"a\" :\r\n[ 1 , 2 ] , \"isHub\" : true } ", `,"a":[ 1 , 2 ]`, true},
	} {
		a := wire.ParseAnnouncement([]byte(tc.data))
		if a.IsHub != tc.isHub || string(a.Extra) != tc.extra || (a.Extra == nil) != (tc.extra == "") {
			t.Errorf("ParseAnnouncement(%s) = %v, %q, want %v, %q", tc.data, a.IsHub, a.Extra, tc.isHub, tc.extra)
		}
	}
}

// An announcement keeps copies, because a message is in a read buffer that is used again.
func TestParseAnnouncementCopies(t *testing.T) {
	t.Parallel()
	data := []byte(`{"peerId":"x","a":1}`)
	a := wire.ParseAnnouncement(data)
	copy(data, strings.Repeat("#", len(data)))
	if string(a.Extra) != `,"a":1` {
		t.Errorf("Extra became %q with the message it came from", a.Extra)
	}
}

func TestPeerIDOf(t *testing.T) {
	t.Parallel()
	id := string(alice)
	for data, want := range map[string]wire.PeerID{
		``:                                       "",
		`null`:                                   "",
		`"` + id + `"`:                           "",
		`["` + id + `"]`:                         "",
		`{}`:                                     "",
		`{"peerId":5}`:                           "",
		`{"peerId":""}`:                          "",
		`{"peerId":"` + id[1:] + `"}`:            "",
		`{"peerId":"` + id + `0"}`:               "",
		`{"peerId":["` + id + `"]}`:              "",
		`{"a":{"peerId":"` + id + `"}}`:          "",
		`{"peerId":"` + id + `"}`:                alice,
		`{"\u0070eerId":"\u0034` + id[1:] + `"}`: alice,
		`{"peerId":"` + string(bob) + `","peerId":"` + id + `"}`: alice,
		`{"peerId":"` + id + `","peerId":null}`:                  "",
		` { "x" : 1 , "peerId" : "` + id + `" } `:                alice,
		`{"peerId":"` + strings.ToUpper(id) + `"}`:               wire.PeerID(strings.ToUpper(id)),
	} {
		if got := wire.PeerIDOf([]byte(data)); got != want {
			t.Errorf("PeerIDOf(%s) = %q, want %q", data, got, want)
		}
	}
}

func TestAnnouncementOfCorpus(t *testing.T) {
	t.Parallel()
	for _, e := range corpus(t) {
		checkAnnouncement(t, e.msg, "meadow")
	}
}

// checkAnnouncement asserts that whatever the data of a message is, the members
// of the network hear JSON in which peerId and isHub are the hub's, once and
// first, and everything else as it was sent.
func checkAnnouncement(t *testing.T, msg []byte, network string) {
	t.Helper()
	env, err := wire.Parse(msg)
	if err != nil || !utf8.Valid(msg) || !utf8.ValidString(network) {
		return
	}
	var sent []field
	if data := strings.TrimSpace(string(env.Data)); strings.HasPrefix(data, "{") {
		sent = fields(t, data)
	}
	want := []field{{"peerId", quoted(string(alice))}, {"isHub", "false"}}
	isHub, about := false, ""
	for _, f := range sent {
		switch f.name {
		case "isHub":
			isHub = f.value == "true"
		case "peerId":
			about = idIn(decode(t, json.RawMessage(f.value)))
		default:
			want = append(want, f)
		}
	}

	a := wire.ParseAnnouncement(env.Data)
	if a.IsHub != isHub {
		t.Errorf("data %q: IsHub = %v, want %v", env.Data, a.IsHub, isHub)
	}
	if id := wire.PeerIDOf(env.Data); string(id) != about {
		t.Errorf("data %q: PeerIDOf = %q, want %q", env.Data, id, about)
	}
	notice := wire.NewDiscovered(alice, false, a.Extra, network)
	data := checkNotice(t, notice, "peer-discovered", network)
	got := fields(t, data)
	if len(got) != len(want) {
		t.Fatalf("data %q is heard as %s", env.Data, data)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("data %q is heard with %q, want %q", env.Data, got[i], want[i])
		}
	}
	if env.Data != nil {
		forwarded := wire.NewForwarded(wire.KindPeerDiscovered, env.Data, network)
		if data := checkNotice(t, forwarded, "peer-discovered", network); data != string(env.Data) {
			t.Errorf("data %q is forwarded as %q", env.Data, data)
		}
	}
}

// checkNotice asserts the hub's fields of a notice and returns its data.
func checkNotice(t *testing.T, n wire.Notice, typ, network string) string {
	t.Helper()
	got := fields(t, payload(t, n.AppendTo(nil, bob, clock)))
	if names(got) != "type data networkName fromPeerId targetPeerId timestamp" {
		t.Fatalf("a notice has the fields %s", names(got))
	}
	data := got[1].value
	got[1].value = ""
	want := []field{
		{"type", quoted(typ)}, {"data", ""}, {"networkName", string(wire.AppendString(nil, network))},
		{"fromPeerId", `"system"`}, {"targetPeerId", quoted(string(bob))}, {"timestamp", "1763893216135"},
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("a notice has %q, want %q", got[i], want[i])
		}
	}
	return data
}
