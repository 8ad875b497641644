//go:build interop

package main_test

import (
	"fmt"
	"slices"
)

// A difference is a place where our hub means to say something else than the
// published server. Every one of them has to be one: an entry where the two agree
// fails the test, as does a difference that is not listed.
type difference struct {
	conversation, scene, actor string
	why                        string
	want                       []string // what our hub says
}

// The reasons, with the number of the weakness in hub/wire/PROTOCOL.md. W41 is not among them:
// every conversation checks that the hub does not notify peers of other networks.
const (
	leavesOldNetwork = "W6: a peer is in one network; moving takes it out of the old one, which is told"
	closesOnGoodbye  = "W9: goodbye ends the connection"
	ownSender        = "W36: fromPeerId is the connection's own, whatever it claims"
	ownNetwork       = "W37: signals stay in the sender's own network, and a peer that never announced itself is in none"
	ownIdentity      = "W38: peerId and isHub are the hub's to say; data that is no object counts as none"
	hubRoleIsGiven   = "W39: only peers that the operator has named are hubs; the hubs' network is closed to others"
	goodbyeIsHeard   = "protocol section 5.4: a goodbye names the network of those who get it, or clients would drop it; it has no target"
	copiedPayload    = "payloads go through as they were sent; the published server parses them and writes them anew"
	unknownPages     = "W45: a page that does not exist is answered with 404, so that a mistyped probe does not pass"
	closeOfALibrary  = "gorilla/websocket judges a malformed close frame itself; the connection ends either way"
)

// intended lists all intended differences.
var intended = slices.Concat(
	[]difference{
		{"announced_data", "spelled as JavaScript would not", "alice", copiedPayload, lines(discovered("alice", "meadow", "bob",
			`"e":1e3,"x":1.50,"big":12345678901234567890,"slash":"\/","u":"\u00e9\ud83d\ude00","2":"two","1":"one","twice":1,"twice":2`))},
		{"announced_data", "white space inside", "alice", copiedPayload, lines(discovered("alice", "meadow", "bob", `"a":[ 1 , 2 ]`))},
		{"announced_data", "a text", "alice", ownIdentity, lines(discovered("alice", "meadow", "bob", ""))},
		{"announced_data", "an array", "alice", ownIdentity, lines(discovered("alice", "meadow", "bob", ""))},
		{"announced_data", "another's id and a false role", "alice", ownIdentity, lines(discovered("alice", "meadow", "bob", `"more":1`))},

		{"signals", "a forged sender", "bob", ownSender,
			lines(`{"type":"offer","data":1,"fromPeerId":"alice","targetPeerId":"bob","networkName":"meadow","timestamp":T}`)},
		{"signals", "spelled as JavaScript would not", "bob", copiedPayload,
			lines(`{"type":"offer","data":{"b":[1.0,1E2,"\u0041\/"],"10":1,"9":2},"fromPeerId":"alice","targetPeerId":"bob","networkName":"meadow","timestamp":T}`)},

		{"signals_that_go_nowhere", "claiming the target's network", "carol", ownNetwork, nil},
		{"signals_that_go_nowhere", "a silent sender", "bob", ownNetwork, nil},
		{"signals_that_go_nowhere", "a silent target, default network", "dave", ownNetwork, nil},

		{"hub_role", "a hub", "hub", hubRoleIsGiven, lines(noHubRole)},
		{"hub_role", "a hub", "GET /hubs", hubRoleIsGiven, noHubs},
		{"hub_role", "another, by its network alone", "hub", hubRoleIsGiven, nil},
		{"hub_role", "another, by its network alone", "hub2", hubRoleIsGiven, lines(noHubRole)},
		{"hub_role", "it tells of a peer of its own", "alice", hubRoleIsGiven, nil},
		{"hub_role", "an offer to that peer", "hub", hubRoleIsGiven, nil},
		{"hub_role", "an offer to that peer", "hub2", hubRoleIsGiven, nil},
		{"hub_role", "it leaves", "hub2", hubRoleIsGiven, nil},
		{"hub_role", "it leaves", "GET /hubs", hubRoleIsGiven, noHubs},

		{"moving", "alice moves", "bob", leavesOldNetwork, lines(disconnected("bob", "meadow", "alice"))},
		{"moving", "dave joins where alice was", "alice", leavesOldNetwork, nil},
		{"moving", "dave joins where alice was", "dave", leavesOldNetwork, lines(
			`{"type":"connected","data":{"peerId":"dave"},"fromPeerId":"system","timestamp":T}`, discovered("dave", "meadow", "bob", ""))},

		{"goodbye", "and closes", "alice", closesOnGoodbye, lines(`close 1000 "goodbye"`)},
		{"goodbye", "and is gone", "h340", closesOnGoodbye, lines(`close 1000 "goodbye"`)},
		{"goodbye", "and is gone too", "b020", closesOnGoodbye, lines(`close 1000 "goodbye"`)},
		{"goodbye_of_a_stranger", "the lonely one", "bob", closesOnGoodbye, lines(`close 1000 "goodbye"`)},
		{"goodbye_of_a_stranger", "the silent one", "carol", closesOnGoodbye, lines(`close 1000 "goodbye"`)},
		{"goodbye_of_a_stranger", "the silent one", "alice", ownNetwork, nil},

		{"broken_frames", "a close frame with half a code", "culprit", closeOfALibrary, lines(`close 1005 ""`)},
		{"broken_frames", "a close reason that is no UTF-8", "culprit", closeOfALibrary, lines(`close 1002 ""`)},
	},
	pagesNotFound(),
	goodbyesHeard("as on page unload, without a network", goodbyeIsHeard, "h340",
		`{"type":"goodbye","data":{"peerId":"h340","timestamp":1,"reason":"peer_disconnect"},"fromPeerId":"h340","networkName":"meadow","timestamp":T}`),
	goodbyesHeard("with a target and a forged sender, without data", ownSender+"; "+goodbyeIsHeard, "b020",
		`{"type":"goodbye","fromPeerId":"b020","networkName":"meadow","timestamp":T}`),
)

// pagesNotFound are the answers to unknown pages.
func pagesNotFound() (all []difference) {
	for _, method := range []string{"GET", "POST", "HEAD", "PUT"} {
		body := "body not found"
		if method == "HEAD" {
			body = "body "
		}
		for _, target := range []string{"/health?x=1", "/health/", "/no/such/path"} {
			all = append(all, difference{"http", "an empty hub", method + " " + target, unknownPages,
				lines("404 Not Found", "Access-Control-Allow-Origin: *", "Content-Type: text/plain", body)})
		}
	}
	return all
}

// goodbyesHeard returns the messages that the five closest peers receive when one of eight leaves.
func goodbyesHeard(scene, why, leaver, goodbye string) []difference {
	var all []difference
	for _, name := range []string{"g280", "c060", "f240", "d080", "e100"} {
		all = append(all, difference{"goodbye", scene, name, why, lines(goodbye, disconnected(name, "meadow", leaver))})
	}
	return all
}

// The answer of a hub that has no hubs connected, and the answer to a peer that may not be a hub.
var (
	noHubs = lines("200 OK", "Access-Control-Allow-Origin: *", "Content-Type: application/json",
		`body {"timestamp":N,"totalHubs":0,"hubs":[]}`)
	noHubRole = `{"type":"error","error":"The network 'pigeonhub-mesh' is for hubs. This peer has no hub role here.","timestamp":T}`
)

func lines(all ...string) []string { return all }

// discovered returns the message that introduces a peer to another one.
func discovered(to, network, about, extra string) string {
	if extra != "" {
		extra = "," + extra
	}
	return fmt.Sprintf(`{"type":"peer-discovered","data":{"peerId":%q,"isHub":false%s},"networkName":%q,"fromPeerId":"system","targetPeerId":%q,"timestamp":T}`,
		about, extra, network, to)
}

// disconnected returns the message that notifies a member of a peer that has left.
func disconnected(to, network, about string) string {
	return fmt.Sprintf(`{"type":"peer-disconnected","data":{"peerId":%q,"isHub":false},"networkName":%q,"fromPeerId":"system","targetPeerId":%q,"timestamp":T}`,
		about, network, to)
}
