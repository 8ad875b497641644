//go:build interop

package main_test

import (
	"errors"
	"fmt"

	"github.com/gorilla/websocket"
)

// An actor is one connection. It reads all the time, as a client does: that is
// what answers pings and close frames.
type actor struct {
	name  string
	conn  *websocket.Conn
	inbox chan string // closed after the line that says how the connection ended
	heard []string
	deaf  bool // has said goodbye: the published server answers it no more
	gone  bool // the connection has ended
}

// read puts what arrives into the inbox.
func (a *actor) read() {
	defer close(a.inbox)
	defer a.conn.Close()
	a.conn.SetPongHandler(func(data string) error {
		a.inbox <- "pong frame " + data
		return nil
	})
	for {
		kind, message, err := a.conn.ReadMessage()
		if err != nil {
			a.inbox <- ending(err)
			return
		}
		line := string(message)
		if kind != websocket.TextMessage {
			line = "binary " + line
		}
		a.inbox <- line
	}
}

// ending says how a connection ended.
func ending(err error) string {
	var end *websocket.CloseError
	if errors.As(err, &end) {
		return fmt.Sprintf("close %d %q", end.Code, end.Text)
	}
	return "broken off"
}
