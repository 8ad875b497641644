//go:build interop

package main_test

import (
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// A conversation is a script that is played to a hub of its own.
type conversation struct {
	name string
	env  []string
	play func(s *stage)
}

// record plays the conversation to a fresh process of p and returns what it said.
func (c conversation) record(t *testing.T, p program) transcript {
	t.Helper()
	s := &stage{t: t, hub: startHub(t, p, freePort(t), c.env...)}
	defer s.curtain()
	c.play(s)
	return s.said
}

// A stage holds the actors of one conversation and writes down what they hear.
// Actors go by name; on the wire each has the id that idOf makes of its name, and
// a $name in a script stands for it.
type stage struct {
	t      *testing.T
	hub    *hubProcess
	cast   []*actor          // in order of entrance
	names  []string          // of all who ever entered
	ids    map[string]string // of the names that have one of their own choosing
	fences int
	said   transcript
}

// patience bounds every single wait of an actor.
const patience = 10 * time.Second

// id returns the peer id of a name.
func (s *stage) id(name string) string {
	if id, ok := s.ids[name]; ok {
		return id
	}
	return fmt.Sprintf("%x", sha1.Sum([]byte(name)))
}

// named gives a name an id of its own choosing.
func (s *stage) named(name, id string) {
	if s.ids == nil {
		s.ids = make(map[string]string)
	}
	s.ids[name] = id
}

// enter connects an actor.
func (s *stage) enter(names ...string) {
	s.t.Helper()
	for _, name := range names {
		s.dial(name, "/?peerId="+s.id(name), websocket.Dialer{})
	}
}

// dial connects an actor to a request target of its choosing, which needs no id.
func (s *stage) dial(name, target string, d websocket.Dialer) *http.Response {
	s.t.Helper()
	d.HandshakeTimeout = patience
	conn, res, err := d.Dial("ws://"+s.hub.addr+target, nil)
	if err != nil {
		s.t.Fatalf("%s: dial %s: %v", name, target, err)
	}
	a := &actor{name: name, conn: conn, inbox: make(chan string, 1024)}
	go a.read()
	s.cast = append(s.cast, a)
	s.names = append(s.names, name)
	return res
}

// actor returns the connected actor of that name, or the latest if none is connected.
func (s *stage) actor(name string) *actor {
	s.t.Helper()
	var found *actor
	for _, a := range s.cast {
		if a.name == name && (found == nil || found.gone) {
			found = a
		}
	}
	if found == nil {
		s.t.Fatalf("no actor %q", name)
	}
	return found
}

// say sends one message and waits until the hub has dealt with it: a hub may
// well deal with two connections in any order.
func (s *stage) say(name, message string) {
	s.t.Helper()
	s.write(name, websocket.TextMessage, s.spell(message))
	s.fence(s.actor(name))
}

// farewell sends a message after which the published server does not answer, and
// waits until the hub counts n connections.
func (s *stage) farewell(name, message string, n int) {
	s.t.Helper()
	s.write(name, websocket.TextMessage, s.spell(message))
	s.actor(name).deaf = true
	s.left(n)
}

func (s *stage) write(name string, kind int, message string) {
	s.t.Helper()
	a := s.actor(name)
	if err := a.conn.WriteMessage(kind, []byte(message)); err != nil {
		s.drain(name)
		s.t.Fatalf("%s: send: %v; heard so far:\n%s", name, err, indent(strings.Join(a.heard, "\n")))
	}
}

// raw sends bytes that no library would.
func (s *stage) raw(name string, frame ...byte) {
	s.t.Helper()
	if _, err := s.actor(name).conn.NetConn().Write(frame); err != nil {
		s.t.Fatalf("%s: send: %v", name, err)
	}
}

// announce sends the message that the published client sends when its socket opens.
func (s *stage) announce(name, network string) {
	s.t.Helper()
	s.say(name, fmt.Sprintf(`{"type":"announce","data":{"peerId":"$%s"},"maxPeers":3,"networkName":%q}`, name, network))
}

// spell puts the ids in the place of the $names.
func (s *stage) spell(message string) string {
	for _, name := range append(s.names, "nobody") {
		message = strings.ReplaceAll(message, "$"+name, s.id(name))
	}
	return message
}

// close sends a close frame and listens to the end. A code of 1005 sends none.
func (s *stage) close(name string, code int, reason string) {
	s.t.Helper()
	message := websocket.FormatCloseMessage(code, reason)
	// The hub may have closed first; then there is nothing to send it to.
	_ = s.actor(name).conn.WriteControl(websocket.CloseMessage, message, time.Now().Add(patience))
	s.drain(name)
}

// cut ends the connection without a word.
func (s *stage) cut(name string) {
	s.actor(name).conn.Close()
	s.drain(name)
}

// drain listens until the connection has ended, and writes down how.
func (s *stage) drain(names ...string) {
	s.t.Helper()
	for _, name := range names {
		a := s.actor(name)
		for !a.gone {
			s.hear(a)
		}
	}
}

// hear takes one line from the inbox; there is none after the end.
func (s *stage) hear(a *actor) (string, bool) {
	s.t.Helper()
	select {
	case line, ok := <-a.inbox:
		if !ok {
			a.gone = true
			return "", false
		}
		a.heard = append(a.heard, line)
		return line, true
	case <-time.After(patience):
		s.t.Fatalf("%s: nothing within %v; heard so far:\n%s", a.name, patience, indent(strings.Join(a.heard, "\n")))
		return "", false
	}
}

// fence waits for an answer of the hub to the actor. The hub has then handled all earlier messages
// of the actor, and their effects have arrived.
func (s *stage) fence(a *actor) {
	s.t.Helper()
	s.fences++
	mark := fmt.Sprintf("fence-%d", s.fences)
	s.write(a.name, websocket.TextMessage, fmt.Sprintf(`{"type":%q}`, mark))
	for {
		line, ok := s.hear(a)
		if !ok {
			return
		}
		if strings.Contains(line, "'"+mark+"'") {
			a.heard = a.heard[:len(a.heard)-1]
			return
		}
	}
}

// scene ends one: what each actor heard since the last scene is written down
// under the name of this one.
func (s *stage) scene(name string) {
	s.t.Helper()
	for _, a := range s.cast {
		if !a.gone && !a.deaf {
			s.fence(a)
		}
	}
	var staying []*actor
	for _, a := range s.cast {
		if !a.deaf || a.gone { // what a deaf one hears is known when it has ended
			s.said.add(name, a.name, s.plain(a.heard))
			a.heard = nil
		}
		if !a.gone {
			staying = append(staying, a)
		}
	}
	s.cast = staying
}

// left waits until the hub counts n connections.
func (s *stage) left(n int) {
	s.t.Helper()
	if err := poll(patience, func() error { return s.hub.connections(n) }); err != nil {
		s.t.Fatal(err)
	}
}

// plain turns ids into names and times into T.
func (s *stage) plain(lines []string) []string {
	var pairs []string
	for _, name := range append(s.names, "nobody") {
		pairs = append(pairs, s.id(name), name)
	}
	replace := strings.NewReplacer(pairs...)
	var plain []string
	for _, line := range lines {
		plain = append(plain, replace.Replace(withoutTimes(line)))
	}
	return plain
}

// curtain ends the connections that are left, and their readers.
func (s *stage) curtain() {
	for _, a := range s.cast {
		a.conn.Close()
		for range a.inbox {
		}
	}
}

// query makes a request target of a peer id.
func query(id string) string { return "/?peerId=" + url.QueryEscape(id) }
