package hub_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Peers of several addresses, each within its share, can have a slow peer cut, but none of
// them gets its id: that is kept for the address of the peer, until the peer is back or
// the reservation ends.
func TestIDOfACutPeerIsReserved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from := ""
		w := newAddressWorld(t, hub.Config{QueueBytes: 256 << 10, MessageRate: -1, IDReservation: 20 * time.Second}, &from)
		id := wire.NewPeerID()
		as := func(address string) *peer {
			t.Helper()
			from = address
			p, err := w.dial(address, id)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		cut := func() {
			t.Helper()
			as("198.51.100.7").announce("n")
			var floods []*peer
			for i := range 4 {
				from = fmt.Sprint("203.0.113.", i)
				floods = append(floods, w.join(from, "n"))
			}
			was := w.hub.Stats().Ended["slow_consumer"]
			for range 20 {
				for _, f := range floods {
					f.Signal(wire.KindOffer, id, "n", []byte(`"`+strings.Repeat("x", 16<<10)+`"`))
				}
			}
			time.Sleep(3 * time.Second) // it does not answer the close frame
			for _, f := range floods {
				f.Close()
			}
			if st := w.hub.Stats(); st.Ended["slow_consumer"] != was+1 || st.ReservedIDs != 1 {
				t.Fatalf("%d slow consumers, %d reserved ids", st.Ended["slow_consumer"], st.ReservedIDs)
			}
		}
		cut()
		as("203.0.113.1").wantClose(1008, "Peer already connected")
		back := as("198.51.100.7")
		back.want("connected")
		if n := w.hub.Stats().ReservedIDs; n != 0 {
			t.Errorf("%d ids are reserved after the peer is back", n)
		}
		back.Close()
		synctest.Wait()
		cut()
		time.Sleep(20 * time.Second)
		other := as("203.0.113.1") // the peer has not come back
		other.want("connected")
		other.Close()
		cut()
		time.Sleep(time.Minute) // the memory monitor sweeps
		if n := w.hub.Stats().ReservedIDs; n != 0 {
			t.Errorf("%d ids are reserved after the reservation", n)
		}
	})
}
