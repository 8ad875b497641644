package hub_test

import (
	"context"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
)

// A hub of one's own: serve it, listen to its events, end it so that nothing is
// left.
func Example() {
	h, err := hub.New(hub.Config{MaxConnections: 5000})
	if err != nil {
		log.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go srv.Serve(ln)
	h.Listening(ln.Addr())

	events, err := h.Subscribe("example", hub.EventPeerConnected)
	if err != nil {
		log.Fatal(err)
	}
	defer events.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil { // http.Server.Shutdown knows nothing of WebSockets
		log.Fatal(err)
	}
	if err := srv.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
}
