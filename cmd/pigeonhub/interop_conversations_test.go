//go:build interop

package main_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gorilla/websocket"
)

// conversations are played to the published server and to the hub under test. The answers of the
// published server are the expected ones.
var conversations = []conversation{
	{name: "handshake", play: handshake},
	{name: "announce", play: announcing},
	{name: "announced_data", play: announcedData},
	{name: "signals", play: signals},
	{name: "signals_that_go_nowhere", play: lostSignals},
	{name: "other_messages", play: otherMessages},
	{name: "hub_role", play: hubRole},
	{name: "moving", play: moving},
	{name: "leaving", play: leaving},
	{name: "goodbye", play: goodbye},
	{name: "goodbye_of_a_stranger", play: strangersGoodbye},
	{name: "refusals", play: refusals},
	{name: "capacity", play: capacity, env: []string{"MAX_CONNECTIONS=2"}},
	{name: "broken_frames", play: brokenFrames},
	{name: "http", play: httpRoutes},
	{name: "shutdown", play: shutdown},
}

func handshake(s *stage) {
	upgrade := func(name, target string, d websocket.Dialer) {
		res := s.dial(name, target, d)
		var lines []string
		for key, values := range res.Header {
			if key != "Sec-Websocket-Accept" {
				lines = append(lines, fmt.Sprintf("%s: %s", key, strings.Join(values, ", ")))
			}
		}
		slices.Sort(lines)
		a := s.actor(name)
		a.heard = append([]string{fmt.Sprint(res.StatusCode)}, lines...)
	}
	upgrade("alice", query(s.id("alice")), websocket.Dialer{})
	s.scene("the plain client")
	upgrade("bob", "/any/path?x=1&peerId="+s.id("bob")+"&y=2", websocket.Dialer{Subprotocols: []string{"one", "two"}, EnableCompression: true})
	s.scene("another path, more parameters, subprotocols and compression offered")
	s.named("carol", "abcdef0123456789abcdef0123456789abcdef01")
	upgrade("carol", "/?peerId=%61"+s.id("carol")[1:], websocket.Dialer{})
	s.scene("the id percent-encoded")
	upgrade("dave", "/?peerId="+s.id("dave")+"&peerId="+s.id("nobody"), websocket.Dialer{})
	s.scene("the parameter twice")
}

func announcing(s *stage) {
	s.enter("alice")
	s.announce("alice", "meadow")
	s.scene("into an empty network")
	s.enter("bob")
	s.announce("bob", "meadow")
	s.scene("a second member")
	s.enter("carol", "dave", "erin")
	s.announce("carol", "meadow")
	s.announce("dave", "forest")
	s.scene("a third, and one elsewhere, and one silent")
	s.announce("bob", "meadow")
	s.scene("again in the same network")
	s.say("erin", `{"type":"announce","data":{"peerId":"$erin"}}`)
	s.enter("frank", "grace")
	s.say("frank", `{"networkName":"","type":"announce"}`)
	s.scene("the default network")
	s.say("grace", `{"type":"announce","networkName":"a \"quoted\" name, <&> \u2028 and 鳩"}`)
	s.enter("heidi")
	s.say("heidi", `{"type":"announce","networkName":"a \"quoted\" name, <&> \u2028 and \u9ce9"}`)
	s.scene("a network name that needs escapes")
}

// announcedData shows what becomes of the data that peers announce.
func announcedData(s *stage) {
	s.enter("alice")
	s.announce("alice", "meadow")
	for i, c := range []struct{ name, data string }{
		{"none", ""},
		{"null", `null`},
		{"an empty object", `{}`},
		{"nested, in the order it was sent", `{"peerId":"$bob","z":1,"a":{"y":[1,2,{"q":null}],"x":[]},"isReady":true,"big":9007199254740991,"half":-0.5}`},
		{"text of every kind", `{"text":"é <>& / 😀 \" \\ \n \u0001","":"no name"}`},
		{"a number", `5`},
		{"spelled as JavaScript would not", `{"e":1e3,"x":1.50,"big":12345678901234567890,"slash":"\/","u":"\u00e9\ud83d\ude00","2":"two","1":"one","twice":1,"twice":2}`},
		{"white space inside", `{ "a" : [ 1 , 2 ] }`},
		{"a text", `"abc"`},
		{"an array", `[7,8]`},
		{"another's id and a false role", `{"isHub":"yes","peerId":"$alice","more":1}`},
	} {
		if i == 0 {
			s.enter("bob")
			s.say("bob", `{"type":"announce","networkName":"meadow"}`)
		} else {
			s.say("bob", `{"type":"announce","networkName":"meadow","data":`+c.data+`}`)
		}
		s.scene(c.name)
	}
	s.say("bob", `{"type":"announce","networkName":"meadow","data":{"last":true}}`)
	s.scene("the last")
	s.enter("carol")
	s.announce("carol", "meadow")
	s.scene("a late joiner hears the last")
}

func signals(s *stage) {
	s.enter("alice", "bob")
	s.announce("alice", "meadow")
	s.announce("bob", "meadow")
	s.scene("two members")
	for _, c := range []struct{ name, message string }{
		{"offer", `{"type":"offer","data":{"type":"offer","sdp":"v=0\r\no=- 4 2 IN IP4 127.0.0.1\r\n","timestamp":1},"maxPeers":3,"networkName":"meadow","targetPeerId":"$bob"}`},
		{"answer", `{"type":"answer","data":{"sdp":"v=0\r\n","type":"answer"},"maxPeers":3,"networkName":"meadow","targetPeerId":"$bob"}`},
		{"ice-candidate", `{"type":"ice-candidate","data":{"candidate":"candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"abcd"},"maxPeers":3,"networkName":"meadow","targetPeerId":"$bob"}`},
		{"other order, more fields", `{"networkName":"meadow","extra":[1],"targetPeerId":"$bob","data":{"b":1,"a":[{}]},"type":"offer"}`},
		{"white space around", " {\"type\": \"offer\",\n\t\"data\": {\"a\":1} , \"networkName\":\"meadow\",\"targetPeerId\":\"$bob\" } \r\n"},
		{"escaped spelling", `{"ty\u0070e":"off\u0065r","data":1,"networkName":"m\u0065adow","targetPeerId":"$bob"}`},
		{"no data", `{"type":"offer","networkName":"meadow","targetPeerId":"$bob"}`},
		{"null data", `{"type":"offer","data":null,"networkName":"meadow","targetPeerId":"$bob"}`},
		{"text data", `{"type":"offer","data":"text","networkName":"meadow","targetPeerId":"$bob"}`},
		{"to itself", `{"type":"offer","data":1,"networkName":"meadow","targetPeerId":"$alice"}`},
		{"fields twice", `{"type":"ping","type":"offer","data":1,"data":2,"networkName":"x","networkName":"meadow","targetPeerId":"$bob"}`},
		{"a forged sender", `{"type":"offer","data":1,"networkName":"meadow","targetPeerId":"$bob","fromPeerId":"$nobody"}`},
		{"spelled as JavaScript would not", `{"type":"offer","data":{"b":[1.0,1E2,"\u0041\/"],"10":1,"9":2},"networkName":"meadow","targetPeerId":"$bob"}`},
	} {
		s.say("alice", c.message)
		s.scene(c.name)
	}
	s.say("bob", `{"type":"answer","data":{"type":"answer","sdp":"v=0\r\n"},"networkName":"meadow","targetPeerId":"$alice"}`)
	s.scene("and back")
	s.write("alice", websocket.BinaryMessage, s.spell(`{"type":"offer","data":{"binary":true},"networkName":"meadow","targetPeerId":"$bob"}`))
	s.scene("in a binary frame")
	for i := range 20 {
		s.write("alice", websocket.TextMessage,
			s.spell(fmt.Sprintf(`{"type":"ice-candidate","data":%d,"networkName":"meadow","targetPeerId":"$bob"}`, i)))
	}
	s.scene("a burst keeps its order")
}

// lostSignals sends signals that no peer receives, which the fence of each scene proves.
func lostSignals(s *stage) {
	s.enter("alice", "bob", "carol", "dave")
	s.announce("alice", "meadow")
	s.announce("bob", "meadow")
	s.announce("carol", "forest")
	s.scene("two here, one elsewhere, one silent")
	for _, c := range []struct{ name, from, message string }{
		{"no target", "alice", `{"type":"offer","data":1,"networkName":"meadow"}`},
		{"an absent target", "alice", `{"type":"offer","data":1,"networkName":"meadow","targetPeerId":"$nobody"}`},
		{"a target in another network", "alice", `{"type":"offer","data":1,"networkName":"meadow","targetPeerId":"$carol"}`},
		{"the wrong network", "alice", `{"type":"offer","data":1,"networkName":"forest","targetPeerId":"$bob"}`},
		{"no network", "alice", `{"type":"offer","data":1,"targetPeerId":"$bob"}`},
		{"a number as target", "alice", `{"type":"offer","data":1,"networkName":"meadow","targetPeerId":5}`},
		{"an object as target", "alice", `{"type":"offer","data":1,"networkName":"meadow","targetPeerId":{}}`},
		{"a silent target, named network", "alice", `{"type":"offer","data":1,"networkName":"meadow","targetPeerId":"$dave"}`},
		{"claiming the target's network", "alice", `{"type":"offer","data":1,"networkName":"forest","targetPeerId":"$carol"}`},
		{"a silent sender", "dave", `{"type":"offer","data":1,"networkName":"meadow","targetPeerId":"$bob"}`},
		{"a silent target, default network", "alice", `{"type":"offer","data":1,"targetPeerId":"$dave"}`},
	} {
		s.say(c.from, c.message)
		s.scene(c.name)
	}
	s.say("alice", `{"type":"offer","data":1,"networkName":"meadow","targetPeerId":"`+strings.ToUpper(s.id("bob"))+`"}`)
	s.scene("the same digits in upper case")
}

// otherMessages sends the messages that a hub does not route.
func otherMessages(s *stage) {
	s.enter("alice", "bob")
	s.announce("alice", "meadow")
	s.announce("bob", "meadow")
	s.scene("two members")
	for _, message := range []string{
		`{"type":"ping"}`,
		`{"type":"ping","data":{"timestamp":1},"networkName":"x","targetPeerId":"$bob","fromPeerId":"$bob"}`,
		`{"type":"x","type":"ping"}`,
		`{"type":"cleanup","data":{"peerId":"$alice","targetPeerId":"$bob","timestamp":1,"reason":"connection_established"},"targetPeerId":"$bob","networkName":"meadow"}`,
		`{"type":"peer-discovered","data":{"peerId":"$nobody"},"networkName":"meadow"}`,
		`{}`, `[]`, `[1,{"type":"ping"}]`, `5`, `-0.5e-3`, `"x"`, `true`, `false`, `null`, ` null `,
		``, ` `, `not json`, `{"type":"offer"`, `{"type":"ping"}x`, `{"type":"ping",}`, "\ufeff" + `{"type":"ping"}`,
		`{'type':'ping'}`, `{"type":01}`, `{"type":"a` + "\n" + `b"}`,
		`{"TYPE":"ping"}`, `{"type":"Offer"}`, `{"type":""}`, `{"type":" ping"}`,
		`{"type":5}`, `{"type":null}`, `{"type":true}`, `{"type":{}}`, `{"type":{"a":1}}`,
		`{"type":["a","b"]}`, `{"type":1.50}`, `{"type":1e21}`, `{"type":[]}`,
		`{"type":"connected"}`, `{"type":"pong"}`, `{"type":"error"}`, `{"type":"peer-disconnected","data":{"peerId":"$bob"}}`,
		`{"type":"cleanup-all","data":{"peerId":"$alice","timestamp":1,"reason":"browser_unload"},"networkName":"meadow"}`,
		`{"type":"connection-rejected","data":{"reason":"initiator_role_conflict"},"targetPeerId":"$bob","networkName":"meadow"}`,
		`{"type":"renegotiation-offer","targetPeerId":"$bob","networkName":"meadow"}`,
		`{"type":"renegotiation-answer","targetPeerId":"$bob","networkName":"meadow"}`,
		`{"type":"ice-restart-offer","targetPeerId":"$bob","networkName":"meadow"}`,
		`{"type":"ice-restart-answer","targetPeerId":"$bob","networkName":"meadow"}`,
		`{"type":"recovery-offer","targetPeerId":"$bob","networkName":"meadow"}`,
		`{"type":"a'b\"c\\d\u00e9\n<&>\u2028\u0001"}`,
		`{"type":"constructor"}`, `{"type":"__proto__"}`,
	} {
		s.say("alice", message)
		s.scene(message)
	}
	s.write("alice", websocket.BinaryMessage, "\xff\xfe")
	s.scene("no UTF-8 in a binary frame")
	s.write("alice", websocket.PingMessage, "are you there")
	s.scene("a ping frame")
	s.write("alice", websocket.PongMessage, "unasked")
	s.scene("a pong frame nobody asked for")
	s.raw("alice", 0x01, 0x87, 0, 0, 0, 0, '{', '"', 't', 'y', 'p', 'e', '"')      // the first fragment
	s.raw("alice", 0x89, 0x82, 0, 0, 0, 0, 'h', 'i')                               // a ping between the two
	s.raw("alice", 0x80, 0x88, 0, 0, 0, 0, ':', '"', 'p', 'i', 'n', 'g', '"', '}') // the last one
	s.scene("a message in two frames with a ping between")
	s.write("alice", websocket.TextMessage, `{"type":"cleanup","x":"`+strings.Repeat("x", 1<<20-25)+`"}`)
	s.scene("a message of exactly the permitted size")
}
