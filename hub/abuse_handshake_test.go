package hub_test

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// Abuses of the handshake. The first three rows each end the process of the
// reference server.
var handshakeAbuses = []abuse{
	{
		name: "W1_double_slash_target", counted: ended(wire.ReasonInvalidPeerID), times: 10,
		attack: func(w *world) {
			for range 10 {
				c := w.rawDial()
				c.say([]byte(rawUpgrade("//", "hub")))
				if status := c.status(); status != http.StatusSwitchingProtocols {
					w.Errorf("status %d, want 101", status)
				}
				c.wantClose(1008, "Invalid peerId format")
				c.Close()
			}
		},
	},
	{
		name: "W2_malformed_host_or_target", counted: ended(wire.ReasonInvalidPeerID), times: 1,
		attack: func(w *world) {
			for _, request := range []string{rawUpgrade("http://[/", "hub"), rawUpgrade("/%zz", "hub"), rawUpgrade("/", "h\x00b")} {
				c := w.rawDial()
				c.say([]byte(request))
				if status := c.status(); status != http.StatusBadRequest {
					w.Errorf("%.40q: status %d, want 400", request, status)
				}
				c.Close()
			}
			c := w.rawDial()
			c.say([]byte(rawUpgrade("/", "[")))
			if status := c.status(); status == http.StatusSwitchingProtocols {
				c.wantClose(1008, "Invalid peerId format")
			}
			c.Close()
		},
	},
	{
		name: "W3_malformed_frame_on_a_refused_socket", counted: ended(wire.ReasonInvalidPeerID), times: 10,
		attack: func(w *world) {
			for range 10 {
				after := w.rawDial()
				after.say([]byte(rawUpgrade(rawTarget("bad"), "hub")))
				after.status()
				after.say([]byte{0xff, 0xff, 0xff})
				after.wantClose(1008, "Invalid peerId format")
				after.Close()
				with := w.rawDial()
				with.say([]byte(rawUpgrade(rawTarget("bad"), "hub")), []byte{0xff, 0xff, 0xff})
				with.status()
				with.Close()
			}
		},
	},
	{
		name: "W3_malformed_frame_on_a_duplicate", counted: ended(wire.ReasonDuplicatePeer), times: 10,
		attack: func(w *world) {
			holder := w.join("holder", "crowd")
			gone := holder.swallow()
			for range 10 {
				c := w.rawDial()
				c.say([]byte(rawUpgrade(rawTarget(holder.ID()), "hub")))
				c.status()
				c.say([]byte{0xff, 0xff, 0xff})
				c.wantClose(1008, "Peer already connected")
				c.Close()
			}
			select {
			case <-gone:
				w.Error("the holder was cut")
			default:
			}
			holder.Close()
			<-gone
		},
	},
	{
		name: "slowloris_headers", counted: func(hub.Stats) uint64 { return 0 },
		attack: func(w *world) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				w.Fatal(err)
			}
			srv := &http.Server{Handler: w.hub, ReadHeaderTimeout: 300 * time.Millisecond} // the limit is the server's
			var serving sync.WaitGroup
			serving.Go(func() { srv.Serve(ln) })
			defer serving.Wait()
			defer srv.Close()
			slow := *w
			slow.url = "ws://" + ln.Addr().String()
			together(50, func(int) {
				c := slow.rawDial()
				defer c.Close()
				tick := time.NewTicker(5 * time.Millisecond)
				defer tick.Stop()
				for _, b := range []byte(rawUpgrade(rawTarget(wire.NewPeerID()), "hub")) {
					if c.say([]byte{b}) != nil {
						break
					}
					<-tick.C
				}
				if status := c.status(); status == http.StatusSwitchingProtocols {
					w.Errorf("status %d, want the connection to end", status)
				}
			})
		},
	},
	{
		name: "reset_during_the_handshake", counted: func(hub.Stats) uint64 { return 0 },
		attack: func(w *world) {
			together(100, func(i int) {
				c := w.rawDial()
				request := rawUpgrade(rawTarget(wire.NewPeerID()), "hub")
				c.say([]byte(request[:len(request)-i%3]))
				c.Conn.(*net.TCPConn).SetLinger(0)
				c.Close()
			})
		},
	},
	{
		name: "silence_after_the_handshake", limits: shortFirstMessages, counted: ended(wire.ReasonFirstMessageTimeout), times: 50,
		attack: func(w *world) {
			together(50, func(int) {
				w.connect("mute", "").wantClose(1008, "first_message_timeout")
			})
		},
	},
	{
		name: "many_connections_with_one_id", counted: ended(wire.ReasonDuplicatePeer), times: 10,
		attack: func(w *world) {
			holder := w.join("holder", "crowd")
			gone := holder.swallow()
			together(100, func(int) {
				c := w.rawDial()
				defer c.Close()
				c.say([]byte(rawUpgrade(rawTarget(holder.ID()), "hub")))
				if c.status() == http.StatusSwitchingProtocols {
					c.wantClose(1008, "Peer already connected")
				}
			})
			select {
			case <-gone:
				w.Error("the holder was cut")
			default:
			}
			holder.Close()
			<-gone
		},
	},
	{
		name: "refused_sessions_that_never_close", times: 300,
		counted: func(st hub.Stats) uint64 { return st.Ended["invalid_peer_id"] + st.RefusedHTTP["capacity"] },
		attack: func(w *world) {
			hold := make([]*rawConn, 0, 300)
			for len(hold) < cap(hold) {
				c := w.rawDial()
				c.say([]byte(rawUpgrade(rawTarget("bad"), "hub")))
				hold = append(hold, c)
			}
			for range 20 { // other peers can connect
				p, err := w.dial("honest", "")
				if err != nil {
					w.Errorf("an honest peer was kept out: %v", err)
					break
				}
				p.want("connected")
				p.Close()
			}
			for _, c := range hold {
				c.Close()
			}
		},
	},
	{
		name: "G2_goodbye_then_announce", counted: ended(wire.ReasonGoodbye), times: 20,
		attack: func(w *world) {
			for range 20 {
				p := w.join("ghost", "ghosts")
				p.frames(hostile.TextFrame(`{"type":"goodbye"}`), hostile.TextFrame(`{"type":"announce","networkName":"ghosts"}`),
					hostile.TextFrame(`{"type":"offer","targetPeerId":"`+strings.Repeat("a", 40)+`"}`))
				p.wantClose(1000, "goodbye")
			}
		},
	},
}
