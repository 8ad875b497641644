//go:build linux

package hub_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// In-memory peers, inside the server process. Each is a net.Pipe whose one end an http.Server accepts; at the other end
// a client joins, hears of its network, and leaves nothing behind but the pipe itself: no goroutine, no buffer.
//
// What remains after a collection is the server's share plus the pipes and the list of clients. The control holds just
// those: the same clients over the same pipes, talking to a few lines that answer as a hub would and then forget
// everything but the pipe. Hence hub minus control is what a peer costs the server, less its kernel memory and with the
// deadline timers that a pipe keeps on the heap and a TCP connection does not (the same for each server that sets them).

// newBenchPipes returns what fills this process with n peers.
func newBenchPipes(kind string) (fill func(n int) error, err error) {
	ln := &benchListener{conns: make(chan net.Conn)}
	if kind == "control" {
		go controlServer(ln)
	} else {
		handler, err := makeBench(kind)
		if err != nil {
			return nil, err
		}
		go serveBenchHTTP(ln, handler)
	}
	return func(n int) error { return fillBenchPipes(ln, n) }, nil
}

// benchPipes keeps the client ends alive, and controlPipes the control's server ends.
var benchPipes, controlPipes []net.Conn

func fillBenchPipes(ln *benchListener, n int) error {
	benchPipes = make([]net.Conn, n)
	return benchParallel(n/idleNetwork, benchWorkers, func(g int) error {
		return benchParallel(idleNetwork, idleNetwork, func(i int) error {
			i += g * idleNetwork
			client, server := net.Pipe()
			ln.conns <- server
			benchPipes[i] = client
			return joinByPipe(client, i)
		})
	})
}

// joinByPipe is a client's life until it is idle: the network's ten know each other.
func joinByPipe(nc net.Conn, i int) error {
	p := &benchPeer{id: benchPeerID(i), network: benchGroups(idleNetwork)(i), nc: nc, buf: make([]byte, 1<<10)}
	if err := p.open(); err != nil {
		return fmt.Errorf("open %d: %w", i, err)
	}
	// Announce from beside: a pipe holds nothing, and the server may want to be read before it reads on.
	announced := make(chan error, 1)
	go func() { announced <- p.announce() }()
	for range idleNetwork - 1 {
		payload, err := p.next()
		if err != nil {
			return fmt.Errorf("peer %d: %w", i, err)
		}
		if !bytes.Contains(payload, []byte(`"type":"peer-discovered"`)) {
			return fmt.Errorf("peer %d: got %q, want peer-discovered", i, payload)
		}
	}
	return errors.Join(<-announced, nc.SetDeadline(time.Time{})) // a deadline of the client's would be heap
}

// controlServer does to each connection what keeps a client going, and keeps only the connection.
func controlServer(ln net.Listener) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			panic(err)
		}
		controlPipes = append(controlPipes, nc)
		go func() {
			if err := controlPeer(nc); err != nil {
				panic(err)
			}
		}()
	}
}

func controlPeer(nc net.Conn) error {
	r := bufio.NewReader(nc)
	if _, err := http.ReadRequest(r); err != nil {
		return err
	}
	return controlTalk(nc, r)
}

// controlTalk is all a client of a network of ten hears of a hub, from the upgrade until it is idle.
func controlTalk(nc net.Conn, r *bufio.Reader) error {
	_, err := fmt.Fprintf(nc, "HTTP/1.1 101 Switching Protocols\r\n\r\n%s", controlText(`{"type":"connected"}`))
	if err != nil {
		return err
	}
	head, err := r.Peek(2)
	if err != nil {
		return err
	}
	if _, err := r.Discard(2 + 4 + int(head[1]&0x7f)); err != nil { // an announce is short, and masked
		return err
	}
	for range idleNetwork - 1 {
		if _, err := nc.Write(controlText(`{"type":"peer-discovered"}`)); err != nil {
			return err
		}
	}
	return nil
}

func controlText(payload string) []byte {
	return append([]byte{0x80 | websocket.TextMessage, byte(len(payload))}, payload...)
}

// benchListener hands the server ends of pipes to an http.Server.
type benchListener struct{ conns chan net.Conn }

func (l *benchListener) Accept() (net.Conn, error) { return <-l.conns, nil }
func (l *benchListener) Close() error              { return nil }
func (l *benchListener) Addr() net.Addr            { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
