package loadgen

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/loadgen/dial"
)

// A peer that leaves right after the upgrade ends with a FIN, even if the greeting of the
// target has come and has not been read: a RST would be another scenario.
func TestEarlyLeaveIsNoReset(t *testing.T) {
	t.Parallel()
	greeted, ended := make(chan struct{}), make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := websocket.Upgrader{}
		ws, err := u.Upgrade(w, r, nil)
		if err != nil {
			ended <- err
			return
		}
		defer ws.Close()
		err = ws.WriteMessage(websocket.TextMessage, make([]byte, 4*readBuffer))
		close(greeted)
		if err == nil {
			_, err = ws.NetConn().Read(make([]byte, 1))
		}
		ended <- err
	}))
	defer server.Close()
	sock, err := dialSocket(t.Context(), new(dial.Dialer), "", "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	<-greeted
	sock.closeWrite(time.Minute)
	if err := <-ended; err != io.EOF {
		t.Errorf("the target sees %v, want the end of the stream", err)
	}
	for err == nil {
		err = sock.receive(func([]byte) {})
	}
	sock.close()
}

// A peer that has vanished does not answer a ping that its reader had read with what came before:
// the target would rightly take it for alive.
func TestVanishedDoesNotAnswer(t *testing.T) {
	t.Parallel()
	came := make(chan []byte, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := websocket.Upgrader{}
		ws, err := u.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.Close()
		conn := ws.NetConn()
		if _, err := conn.Write([]byte("\x81\x02hi\x89\x00\x81\x02ho")); err != nil { // text, ping, text
			t.Error(err)
		}
		all, _ := io.ReadAll(conn) // until the client closes
		came <- all
	}))
	defer server.Close()
	sock, err := dialSocket(t.Context(), new(dial.Dialer), "", "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	messages := 0
	for err == nil {
		err = sock.receive(func([]byte) {
			messages++
			sock.stopReading()
		})
	}
	sock.closeWrite(time.Minute)
	if all := <-came; messages != 1 || len(all) > 0 {
		t.Errorf("%d messages were handled, %q was answered; want 1 and nothing", messages, all)
	}
	sock.close()
}
