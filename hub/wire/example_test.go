package wire_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// A peer enters a network and prints the other members.
func ExampleDial() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := wire.Dial(ctx, "wss://hub.example.org", wire.NewPeerID(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Announce("meadow", nil); err != nil {
		log.Fatal(err)
	}
	for {
		m, err := conn.Receive()
		var closed *wire.CloseError
		if errors.As(err, &closed) {
			fmt.Println("the hub closed:", closed.Code, closed.Reason)
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		if m.Type == wire.KindPeerDiscovered.String() {
			fmt.Println("here is", wire.PeerIDOf(m.Data))
		}
	}
}

// Further members of data go to every other member of the network.
func ExampleConn_Announce() {
	conn, err := wire.Dial(context.Background(), "ws://localhost:3000", wire.NewPeerID(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	err = conn.Announce("meadow", map[string]any{"name": "alice"})
	if err != nil {
		log.Fatal(err)
	}
}

// A hub parses a message from one peer to another without decoding the payload.
func ExampleParse() {
	msg := `{"type":"offer","data":{"sdp":"v=0\r\n"},"networkName":"meadow","targetPeerId":"b81e6402d7f3ac95e0468b1d2c7f9a3350e8d416"}`
	env, err := wire.Parse([]byte(msg))
	if err != nil {
		log.Fatal(err)
	}
	frame := wire.AppendRelay(nil, env.Kind, env.Data, "4f9d1c7a2be806d35f10c9ab77e2d4861309fa5c", wire.PeerID(env.Target), string(env.Network), 1763893216135)
	const header = 4 // of a frame of 126 to 65535 bytes
	fmt.Println(string(frame[header:]))
	// Output:
	// {"type":"offer","data":{"sdp":"v=0\r\n"},"fromPeerId":"4f9d1c7a2be806d35f10c9ab77e2d4861309fa5c","targetPeerId":"b81e6402d7f3ac95e0468b1d2c7f9a3350e8d416","networkName":"meadow","timestamp":1763893216135}
}
