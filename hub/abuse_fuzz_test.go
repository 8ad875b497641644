package hub_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// fuzzPeer is a connection to the hub, written by hand. A goroutine reads it.
type fuzzPeer struct {
	net.Conn
	t       *testing.T
	held    []byte
	odd     bool // has sent what may be half a message
	pongs   atomic.Int32
	closed  atomic.Bool // by the hub
	stalled atomic.Bool
	goOn    chan struct{}
	done    chan struct{}
}

// fuzzDial connects, and returns nil if the hub does not upgrade.
func fuzzDial(t *testing.T, ln *pipeListener, id wire.PeerID) *fuzzPeer {
	c, err := ln.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	p := &fuzzPeer{Conn: c, t: t, goOn: make(chan struct{}, 1), done: make(chan struct{})}
	r := bufio.NewReader(c)
	p.say([]byte(rawUpgrade(rawTarget(id), "hub")))
	p.flush()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		c.Close()
		return nil
	}
	go p.read(r)
	return p
}

// say holds bytes back until flush.
func (p *fuzzPeer) say(b []byte) { p.held = append(p.held, b...) }

func (p *fuzzPeer) flush() {
	p.SetWriteDeadline(time.Now().Add(time.Second)) // a session that has ended reads no more
	p.Write(p.held)
	p.held = nil
}

// end closes the connection and joins the reader.
func (p *fuzzPeer) end() {
	if p == nil {
		return
	}
	p.Close()
	p.stall(false)
	<-p.done
}

// wantAnswer asserts that the hub answers the peer, or has ended it.
func (p *fuzzPeer) wantAnswer() {
	if p == nil || p.odd {
		return
	}
	p.stall(false)
	before := p.pongs.Load()
	p.say(hostile.TextFrame(`{"type":"ping"}`))
	p.flush()
	synctest.Wait()
	if p.pongs.Load() == before && !p.closed.Load() {
		p.t.Error("a peer has become deaf")
	}
}

func (p *fuzzPeer) do(op int, arg byte, in *fuzzInput) {
	switch op {
	case fuzzText:
		p.say(hostile.Frame(hostile.Final|hostile.Text, in.payload()))
	case fuzzBinary:
		p.say(hostile.Frame(hostile.Final|hostile.Binary, in.payload()))
	case fuzzFrame:
		p.odd = true
		p.say(hostile.Frame(arg, in.payload()))
	case fuzzTemplate:
		msg := bytes.Clone(fuzzTemplates[int(arg)%len(fuzzTemplates)])
		for change := in.payload(); len(change) > 1; change = change[2:] {
			msg[int(change[0])%len(msg)] = change[1]
		}
		p.say(hostile.Frame(hostile.Final|hostile.Text, msg))
	case fuzzBytes:
		p.odd = true
		p.say(in.payload())
	case fuzzClose:
		p.say(hostile.CloseFrame(1000+uint16(arg), "fuzz"))
	case fuzzReset:
		p.Close()
	case fuzzStall:
		p.stall(!p.stalled.Load())
	}
}

// stall has the reader stop or go on.
func (p *fuzzPeer) stall(on bool) {
	p.stalled.Store(on)
	if !on {
		select {
		case p.goOn <- struct{}{}:
		default:
		}
	}
}

// read takes in what the hub says, unless the peer stalls, and proves it
// well-formed.
func (p *fuzzPeer) read(r *bufio.Reader) {
	defer close(p.done)
	p.SetReadDeadline(time.Time{})
	for {
		for p.stalled.Load() {
			<-p.goOn
		}
		head, payload, err := readHubFrame(r)
		if err != nil || head == hostile.Final|hostile.Close {
			p.closed.Store(true)
		}
		if err != nil {
			return
		}
		var m wire.Message
		switch {
		case head == hostile.Final|hostile.Text:
			if err := json.Unmarshal(payload, &m); err != nil || m.Type == "" || m.Timestamp == 0 {
				p.t.Errorf("the hub said %q: %v", payload, err)
			}
			if m.Type == "pong" {
				p.pongs.Add(1)
			}
		case head == hostile.Final|hostile.Close && len(payload) != 1 || head == hostile.Final|hostile.Ping || head == hostile.Final|hostile.Pong:
		default:
			p.t.Errorf("the hub sent a frame %#x %q", head, payload)
		}
	}
}
