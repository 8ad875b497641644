//go:build interop

package main_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gorilla/websocket"
)

// moving is about a peer that announces itself into a second network.
func moving(s *stage) {
	s.enter("alice", "bob", "carol")
	s.announce("alice", "meadow")
	s.announce("bob", "meadow")
	s.announce("carol", "forest")
	s.scene("two here and one there")
	s.announce("alice", "forest")
	s.scene("alice moves")
	s.enter("dave")
	s.announce("dave", "meadow")
	s.scene("dave joins where alice was")
	s.say("bob", `{"type":"offer","data":1,"networkName":"meadow","targetPeerId":"$alice"}`)
	s.say("carol", `{"type":"offer","data":1,"networkName":"forest","targetPeerId":"$alice"}`)
	s.scene("alice is reached where she is")
	s.close("alice", websocket.CloseNormalClosure, "")
	s.left(3)
	s.scene("alice leaves")
}

// hubRole connects peers that announce as hubs to a server without the hub role.
func hubRole(s *stage) {
	s.enter("alice", "hub", "hub2")
	s.announce("alice", "meadow")
	s.scene("a peer")
	s.say("hub", `{"type":"announce","networkName":"pigeonhub-mesh","data":{"isHub":true,"port":3001,"host":"h","capabilities":["signaling","relay"],"timestamp":5}}`)
	s.scene("a hub")
	s.said.add("a hub", "GET /hubs", httpAnswer(s, "GET", "/hubs"))
	s.say("hub2", `{"type":"announce","networkName":"pigeonhub-mesh","data":{"port":3002}}`)
	s.scene("another, by its network alone")
	s.say("hub", `{"type":"peer-discovered","networkName":"meadow","data":{"peerId":"$nobody","isHub":false,"more":1}}`)
	s.scene("it tells of a peer of its own")
	s.say("alice", `{"type":"offer","data":1,"networkName":"meadow","targetPeerId":"$nobody"}`)
	s.scene("an offer to that peer")
	s.say("hub", `{"type":"peer-disconnected","networkName":"meadow","data":{"peerId":"$nobody"}}`)
	s.scene("it tells that the peer has left")
	s.close("hub", websocket.CloseNormalClosure, "Hub shutting down")
	s.left(2)
	s.scene("it leaves")
	s.said.add("it leaves", "GET /hubs", httpAnswer(s, "GET", "/hubs"))
}

// leaving is about the end of a connection without goodbye.
func leaving(s *stage) {
	s.enter("alice", "bob", "carol", "dave", "erin", "frank")
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		s.announce(name, "meadow")
	}
	s.announce("erin", "forest")
	s.scene("four here, one elsewhere, one silent")
	s.close("bob", websocket.CloseNormalClosure, "Client disconnect")
	s.left(5)
	s.scene("as the published client does")
	s.close("carol", 4321, "a reason of my own")
	s.left(4)
	s.scene("with a code of its own")
	s.close("dave", websocket.CloseNoStatusReceived, "")
	s.left(3)
	s.scene("without a code")
	s.enter("bob")
	s.announce("bob", "meadow")
	s.scene("bob comes back")
	s.cut("bob")
	s.left(3)
	s.scene("cut off")
	s.close("frank", websocket.CloseGoingAway, "")
	s.left(2)
	s.scene("the silent one leaves")
	s.close("alice", websocket.CloseNormalClosure, "")
	s.left(1)
	s.scene("the last of the network leaves")
}

// goodbye goes to the five members whose ids are closest; the names are ordered
// by distance from alice, and join in another order.
func goodbye(s *stage) {
	for name, digits := range map[string]string{
		"alice": "11", "b020": "10", "c060": "12", "d080": "33", "e100": "14", "f240": "77", "g280": "1f", "h340": "2f",
	} {
		s.named(name, strings.Repeat(digits, 20))
	}
	s.enter("alice", "h340", "b020", "g280", "c060", "f240", "d080", "e100", "elsewhere", "silent")
	for _, a := range s.cast[:8] {
		s.announce(a.name, "meadow")
	}
	s.announce("elsewhere", "forest")
	s.scene("eight members")
	s.farewell("alice", `{"type":"goodbye","data":{"peerId":"$alice","timestamp":1},"maxPeers":3,"networkName":"meadow"}`, 9)
	s.scene("as on disconnect")
	s.close("alice", websocket.CloseNormalClosure, "Client disconnect")
	s.scene("and closes")
	s.farewell("h340", `{"type":"goodbye","data":{"peerId":"$h340","timestamp":1,"reason":"peer_disconnect"}}`, 8)
	s.scene("as on page unload, without a network")
	s.close("h340", websocket.CloseGoingAway, "")
	s.scene("and is gone")
	s.farewell("b020", `{"type":"goodbye","targetPeerId":"$g280","fromPeerId":"$c060","networkName":"meadow"}`, 7)
	s.scene("with a target and a forged sender, without data")
	s.close("b020", websocket.CloseNormalClosure, "")
	s.scene("and is gone too")
}

func strangersGoodbye(s *stage) {
	s.enter("alice", "bob", "carol")
	s.say("alice", `{"type":"announce"}`)
	s.announce("bob", "meadow")
	s.scene("one in the default network, one alone, one silent")
	s.farewell("bob", `{"type":"goodbye","data":{"peerId":"$bob","timestamp":1},"networkName":"meadow"}`, 2)
	s.close("bob", websocket.CloseNormalClosure, "")
	s.scene("the lonely one")
	s.farewell("carol", `{"type":"goodbye","data":{"peerId":"$carol","timestamp":1}}`, 1)
	s.close("carol", websocket.CloseNormalClosure, "")
	s.scene("the silent one")
}

func refusals(s *stage) {
	s.enter("alice")
	s.announce("alice", "meadow")
	s.scene("the holder of an id")
	for _, id := range []string{"", "zz", strings.Repeat("a", 39), strings.Repeat("a", 41), strings.Repeat("g", 40),
		strings.Repeat(" ", 40), strings.Repeat("é", 20), strings.Repeat("é", 40)} {
		s.dial("x", query(id), websocket.Dialer{})
		s.drain("x")
		s.scene(fmt.Sprintf("id %q", id))
	}
	for _, target := range []string{"/", "/?PeerID=" + s.id("bob"), "/?peerId", "/" + s.id("bob")} {
		s.dial("x", target, websocket.Dialer{})
		s.drain("x")
		s.scene("target " + strings.ReplaceAll(target, s.id("bob"), "bob"))
	}
	s.dial("twin", query(s.id("alice")), websocket.Dialer{})
	s.drain("twin")
	s.scene("an id in use")
	s.dial("ALICE", query(strings.ToUpper(s.id("alice"))), websocket.Dialer{})
	s.named("ALICE", strings.ToUpper(s.id("alice")))
	s.announce("ALICE", "meadow")
	s.scene("the same digits in upper case")
	s.left(2)
	s.close("alice", websocket.CloseNormalClosure, "")
	s.left(1)
	s.enter("alice")
	s.scene("the id is free again")
}

func capacity(s *stage) {
	s.enter("alice", "bob")
	s.scene("full with two")
	s.enter("carol")
	s.drain("carol")
	s.scene("a third")
	s.dial("x", "/?peerId=zz", websocket.Dialer{})
	s.drain("x")
	s.scene("a bad id, full")
	s.dial("twin", query(s.id("alice")), websocket.Dialer{})
	s.drain("twin")
	s.scene("an id in use, full")
	s.left(2)
	s.close("bob", websocket.CloseNormalClosure, "")
	s.left(1)
	s.enter("carol")
	s.scene("room again")
}

// brokenFrames are answered with a close frame, and the members hear of it.
func brokenFrames(s *stage) {
	s.enter("witness")
	s.announce("witness", "meadow")
	for _, c := range []struct {
		name string
		send func(name string)
	}{
		{"a message over the size", func(n string) {
			// The hub may hang up in the middle of it.
			_ = s.actor(n).conn.WriteMessage(websocket.TextMessage, make([]byte, 1<<20+1))
		}},
		{"no UTF-8 in a text frame", func(n string) { s.raw(n, 0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe) }},
		{"an unknown opcode", func(n string) { s.raw(n, 0x83, 0x80, 0, 0, 0, 0) }},
		{"no mask", func(n string) { s.raw(n, 0x81, 0x02, 'h', 'i') }},
		{"a reserved bit", func(n string) { s.raw(n, 0xc1, 0x80, 0, 0, 0, 0) }},
		{"a continuation of nothing", func(n string) { s.raw(n, 0x80, 0x80, 0, 0, 0, 0) }},
		{"a ping over 125 bytes", func(n string) { s.raw(n, 0x89, 0xfe, 0, 126, 0, 0, 0, 0) }},
		{"a ping in two frames", func(n string) { s.raw(n, 0x09, 0x80, 0, 0, 0, 0) }},
		{"a close frame with half a code", func(n string) { s.raw(n, 0x88, 0x81, 0, 0, 0, 0, 3) }},
		{"a close code that must not be sent", func(n string) { s.raw(n, 0x88, 0x82, 0, 0, 0, 0, 3, 0xed) }},
		{"a close reason that is no UTF-8", func(n string) { s.raw(n, 0x88, 0x83, 0, 0, 0, 0, 3, 0xe8, 0xff) }},
	} {
		s.enter("culprit")
		s.announce("culprit", "meadow")
		s.scene("before " + c.name)
		c.send("culprit")
		s.drain("culprit")
		s.left(1)
		s.scene(c.name)
	}
}

func shutdown(s *stage) {
	s.enter("alice", "bob", "silent")
	s.announce("alice", "meadow")
	s.announce("bob", "forest")
	s.scene("three connections")
	s.hub.terminate(s.t)
	s.drain("alice", "bob", "silent")
	s.hub.wait(s.t)
	s.scene("SIGTERM")
}

// httpRoutes asks for everything that is no WebSocket.
func httpRoutes(s *stage) {
	ask := func(scene, method, target string) {
		s.t.Helper()
		s.said.add(scene, method+" "+target, httpAnswer(s, method, target))
	}
	for _, method := range []string{"GET", "POST", "HEAD", "PUT", "OPTIONS"} {
		for _, target := range []string{"/health", "/hubs", "/", "/health?x=1", "/health/", "/no/such/path"} {
			ask("an empty hub", method, target)
		}
	}
	s.enter("alice", "bob", "silent")
	s.announce("alice", "meadow")
	s.announce("bob", "forest")
	s.scene("three connections")
	ask("three connections in two networks", "GET", "/health")
	ask("three connections in two networks", "GET", "/hubs")
	s.close("bob", websocket.CloseNormalClosure, "")
	s.left(2)
	s.scene("bob leaves")
	ask("bob has left", "GET", "/health")
}

// overTime are the members of /health and /hubs that no two readings agree in.
var overTime = regexp.MustCompile(`"(timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"|(uptime|rss|heapTotal|heapUsed|external|arrayBuffers)":[0-9.]+)`)

// httpAnswer returns status, headers and body, without what only the transport
// or the moment decides.
func httpAnswer(s *stage, method, target string) []string {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.hub.addr+target, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := (&http.Transport{DisableKeepAlives: true, DisableCompression: true}).RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var headers []string
	for key, values := range res.Header {
		switch key {
		case "Date", "Connection", "Content-Length": // Node sends chunks, Go a length
		default:
			headers = append(headers, key+": "+strings.Join(values, ", "))
		}
	}
	slices.Sort(headers)
	plain := overTime.ReplaceAllStringFunc(string(body), func(member string) string {
		name, _, _ := strings.Cut(member, ":")
		return name + ":N"
	})
	return append(append([]string{res.Status}, headers...), s.plain([]string{"body " + plain})...)
}
