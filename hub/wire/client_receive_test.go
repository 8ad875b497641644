package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func TestReceive(t *testing.T) {
	t.Parallel()
	c := dial(t, serve(t, say(
		wire.AppendConnected(nil, alice, clock),
		wire.AppendPing(nil, ""),
		wire.NewDiscovered(bob, false, []byte(`,"name":"bob"`), "meadow").AppendTo(nil, alice, clock),
		wire.AppendRelay(nil, wire.KindOffer, []byte(`{"sdp":"<&>"}`), bob, alice, "meadow", clock),
		wire.AppendError(nil, wire.ErrorText("x"), clock),
		wire.AppendText(nil, `{"type":5}`),
		wire.AppendPong(nil, alice, clock),
		wire.AppendClose(nil, wire.CodeNormal, ""),
	)), nil)
	for _, want := range []wire.Message{
		{Type: "connected", Data: json.RawMessage(`{"peerId":"` + alice + `"}`), FromPeerID: wire.SystemPeer},
		{Type: "peer-discovered", Data: json.RawMessage(`{"peerId":"` + bob + `","isHub":false,"name":"bob"}`), FromPeerID: wire.SystemPeer, TargetPeerID: alice, NetworkName: "meadow"},
		{Type: "offer", Data: json.RawMessage(`{"sdp":"<&>"}`), FromPeerID: string(bob), TargetPeerID: alice, NetworkName: "meadow"},
		{Type: "error", Error: wire.ErrorText("x")},
		{}, // the message whose type is no text
		{Type: "pong", Data: json.RawMessage(`{"timestamp":1763893216135}`), FromPeerID: wire.SystemPeer, TargetPeerID: alice},
	} {
		got, err := c.Receive()
		if want.Type == "" {
			if err == nil || !strings.HasPrefix(err.Error(), "wire: receive: ") {
				t.Errorf("a type that is no text: %v", err)
			}
			continue
		}
		want.Timestamp = clock
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) || err != nil {
			t.Errorf("Receive() = %+v, %v, want %+v", got, err, want)
		}
	}
	var closed *wire.CloseError
	if _, err := c.Receive(); !errors.As(err, &closed) {
		t.Errorf("the end is %v, want a CloseError", err)
	}
}

func TestReceiveEnd(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		frame []byte
		want  error
	}{
		{"refused", wire.AppendClose(nil, wire.CodePolicy, "Peer already connected"), &wire.CloseError{Code: 1008, Reason: "Peer already connected"}},
		{"without text", wire.AppendClose(nil, wire.CodeTooBig, ""), &wire.CloseError{Code: 1009}},
		{"without code", wire.AppendClose(nil, wire.CodeNoStatus, ""), &wire.CloseError{Code: wire.CodeNoStatus}},
		{"code of an application", wire.AppendClose(nil, 4321, "a\"b\n"), &wire.CloseError{Code: 4321, Reason: "a\"b\n"}},
		{"hung up", nil, io.ErrUnexpectedEOF},
		{"hung up within a frame", wire.AppendPong(nil, alice, clock)[:20], io.ErrUnexpectedEOF},
	} {
		c := dial(t, serve(t, say(tc.frame)), nil)
		_, err := c.Receive()
		if err == nil || err.Error() != tc.want.Error() {
			t.Errorf("%s: Receive() returns %v, want %v", tc.name, err, tc.want)
		}
		var closed *wire.CloseError
		if _, byFrame := tc.want.(*wire.CloseError); errors.As(err, &closed) != byFrame {
			t.Errorf("%s: the end is a %T", tc.name, err)
		}
	}
	if got, want := (&wire.CloseError{Code: 1008, Reason: "a\nb"}).Error(), `wire: closed with 1008 "a\nb"`; got != want {
		t.Errorf("Error() = %s, want %s", got, want)
	}
}

func TestReceiveDeadline(t *testing.T) {
	t.Parallel()
	handle, _ := hear()
	c := dial(t, serve(t, handle), nil)
	if err := c.SetReceiveDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := c.Receive(); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("Receive past its deadline returns %v, want a timeout", err)
	}
}

// A ping is answered by the goroutine that receives.
func TestPingIsAnswered(t *testing.T) {
	t.Parallel()
	pong := make(chan string, 1)
	c := dial(t, serve(t, func(ws *websocket.Conn, _ *http.Request) {
		ws.SetPongHandler(func(text string) error { pong <- text; return nil })
		ws.WriteControl(websocket.PingMessage, []byte("are you there"), time.Now().Add(10*time.Second))
		ws.ReadMessage()
	}), nil)
	ended := make(chan error)
	go func() { _, err := c.Receive(); ended <- err }()
	if got := <-pong; got != "are you there" {
		t.Errorf("the hub's ping is answered with %q", got)
	}
	c.Close()
	<-ended
}
