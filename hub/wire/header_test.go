package wire_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// gorillaReads writes bytes to gorilla's reader, after a handshake over a pipe,
// and closes the pipe when all are written.
func gorillaReads(t *testing.T, frames []byte) *websocket.Conn {
	t.Helper()
	client, server := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer server.Close()
		req, err := http.ReadRequest(bufio.NewReader(server))
		if err != nil {
			return
		}
		sum := sha1.Sum([]byte(req.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		fmt.Fprintf(server, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(sum[:]))
		server.Write(frames)
	})
	t.Cleanup(func() { client.Close(); wg.Wait() })
	dialer := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) { return client, nil }}
	ws, _, err := dialer.DialContext(t.Context(), "ws://pipe/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

// Frames of every header length, all in one buffer, as a hub writes them.
func TestHeadersAreReadByGorilla(t *testing.T) {
	t.Parallel()
	lengths := []int{0, 1, 2, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537, 1<<20 - 1, 1 << 20, 1<<20 + 1000}
	text := func(n int) string { return strings.Repeat(fmt.Sprintf("%d,", n), n)[:n] }
	var frames []byte
	for _, n := range lengths {
		frames = wire.AppendText(frames, text(n))
		payload(t, wire.AppendText(nil, text(n)))
	}
	ws := gorillaReads(t, frames)
	for _, n := range lengths {
		kind, got, err := ws.ReadMessage()
		if err != nil || kind != websocket.TextMessage {
			t.Fatalf("the frame of %d bytes: kind %d, %v", n, kind, err)
		}
		if string(got) != text(n) {
			t.Errorf("the frame of %d bytes is read as %d bytes, %.20q", n, len(got), got)
		}
	}
}

func TestControlFramesAreReadByGorilla(t *testing.T) {
	t.Parallel()
	frames := wire.AppendPing(nil, "")
	lengths := []int{0, 1, 124, 125}
	for _, n := range lengths {
		frames = wire.AppendPongFrame(frames, strings.Repeat("p", n))
	}
	reason := strings.Repeat("r", 123)
	frames = wire.AppendClose(frames, wire.CodePolicy, reason)
	ws := gorillaReads(t, frames)
	var got []string
	ws.SetPingHandler(func(text string) error { got = append(got, "ping "+text); return nil })
	ws.SetPongHandler(func(text string) error { got = append(got, "pong "+text); return nil })
	ws.SetCloseHandler(func(code int, text string) error { got = append(got, fmt.Sprint("close ", code, text)); return nil })
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, wire.CodePolicy) {
		t.Errorf("the end is %v, want a close frame", err)
	}
	want := []string{"ping "}
	for _, n := range lengths {
		want = append(want, "pong "+strings.Repeat("p", n))
	}
	if want = append(want, "close 1008"+reason); !slices.Equal(got, want) {
		t.Errorf("gorilla reads %q, want %q", got, want)
	}
}

// Every reason that closes with a frame closes with one that gorilla accepts.
func TestCloseReasonsAreReadByGorilla(t *testing.T) {
	t.Parallel()
	for r := range wire.NumCloseReasons {
		if r.Code() == 0 {
			continue
		}
		ws := gorillaReads(t, wire.AppendClose(nil, r.Code(), r.Text()))
		ws.SetCloseHandler(func(int, string) error { return nil }) // the client does not read an echo
		_, _, err := ws.ReadMessage()
		if want := (&websocket.CloseError{Code: r.Code(), Text: r.Text()}); err == nil || err.Error() != want.Error() {
			t.Errorf("%v is read as %v, want %v", r, err, want)
		}
	}
}
