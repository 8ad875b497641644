package hub_test

import (
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// reconfigure replaces the configuration by one that must be valid.
func (w *world) reconfigure(cfg hub.Config) {
	w.Helper()
	if err := w.hub.Reconfigure(cfg); err != nil {
		w.Fatal(err)
	}
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// Sessions stay when the configuration is replaced. What the new one asks of a connection is
// asked of new ones, what it allows a session to send applies to all.
func TestReconfigure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	alice, bob := w.join("alice", "n"), w.join("bob", "n")

	w.reconfigure(hub.Config{AuthToken: "old", AllowedOrigins: []string{"https://a.example"}})
	w.wantStatus("", nil, http.StatusUnauthorized)
	w.connectWith(bearer("old"))
	page := bearer("old")
	page.Set("Origin", "https://b.example")
	w.wantStatus("", page, http.StatusForbidden)
	w.reconfigure(hub.Config{AuthTokens: []hub.AuthToken{{Token: "old"}, {Token: "new"}}})
	w.connectWith(bearer("old"))
	w.connectWith(bearer("new"))
	w.reconfigure(hub.Config{AuthTokens: []hub.AuthToken{{Token: "new"}}, MaxConnections: 2, CapacityStatus: true, RetryAfter: 8 * time.Second})
	w.wantStatus("", bearer("old"), http.StatusUnauthorized)
	if got := w.wantStatus("", bearer("new"), http.StatusServiceUnavailable).Header.Get("Retry-After"); got != "8" {
		t.Errorf("Retry-After is %q, want 8", got)
	}
	if st := w.hub.Stats(); st.Sessions != 5 || st.MaxConnections != 2 {
		t.Errorf("%d sessions, MaxConnections is %d, want 5 and 2", st.Sessions, st.MaxConnections)
	}

	alice.fence()
	w.reconfigure(hub.Config{MessageRate: 0.001, MessageBurst: 1})
	alice.raw(`{"type":"ping"}`)
	alice.raw(`{"type":"ping"}`)
	alice.wantClose(wire.ReasonMessageRate.Code(), wire.ReasonMessageRate.Text())
	bob.want("peer-disconnected")
}

// A token ends at its time, for new connections. A hub whose tokens have all ended
// refuses every peer.
func TestTokensExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, err := hub.New(hub.Config{AuthTokens: []hub.AuthToken{{Token: "brief", Expires: time.Now().Add(time.Hour)}}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		authorized := func(header http.Header) bool {
			r, err := http.NewRequest(http.MethodGet, "http://hub.example/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header = header
			return h.Authorized(r)
		}
		if !authorized(bearer("brief")) {
			t.Error("the token is refused before its time has come")
		}
		time.Sleep(time.Hour)
		if authorized(bearer("brief")) || authorized(http.Header{}) {
			t.Error("the hub is open after its token has expired")
		}
	})
}

// A configuration that is invalid changes nothing, and the fields that are fixed stay.
func TestReconfigureKeepsWhatIsFixed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MaxConnections: 10})
	before := w.hub.Config()
	for _, bad := range []hub.Config{{QueueBytes: 1}, {AuthTokens: []hub.AuthToken{{}}}} {
		if err := w.hub.Reconfigure(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	if got := w.hub.Config(); !reflect.DeepEqual(got, before) {
		t.Errorf("the configuration is\n%+v\nwant\n%+v", got, before)
	}
	w.reconfigure(hub.Config{MaxConnections: 10, Logger: slog.Default(), Trace: &hub.Trace{}, IsHub: true, MeshNamespace: "other",
		ParkAfter: time.Hour, MaxSubscriptions: 1, ExemptAddresses: []netip.Prefix{}, Memory: hub.MemoryConfig{Interval: -1}})
	if got := w.hub.Config(); !reflect.DeepEqual(got, before) {
		t.Errorf("after a change of what is fixed the configuration is\n%+v\nwant\n%+v", got, before)
	}
}

// A hub keeps no configuration but the one in use, even if sessions began under the old ones.
func TestReconfigureReleases(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	var old []weak.Pointer[hub.AuthToken]
	for i := range 200 {
		tokens := []hub.AuthToken{{Token: strconv.Itoa(i)}}
		old = append(old, weak.Make(&tokens[0]))
		w.reconfigure(hub.Config{AuthTokens: tokens})
		if i%10 == 0 {
			w.connectWith(bearer(strconv.Itoa(i)))
		}
	}
	runtime.GC()
	kept := slices.DeleteFunc(slices.Clone(old), func(p weak.Pointer[hub.AuthToken]) bool { return p.Value() == nil })
	if len(kept) != 1 || kept[0] != old[len(old)-1] {
		t.Errorf("%d of %d configurations are kept, want the last one alone", len(kept), len(old))
	}
	w.wantStats(20, 0, 0, 0)
}

// Configurations may be replaced while peers come, talk and go.
func TestReconfigureUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{ExemptAddresses: []netip.Prefix{}})
	var peers sync.WaitGroup
	for range 4 {
		peers.Go(func() {
			for range 20 {
				p, err := w.dial("peer", "")
				if err != nil {
					t.Error(err)
					return
				}
				p.Announce("n", nil)
				p.SendRaw([]byte(`{"type":"ping"}`))
				for {
					if m, err := p.Receive(); err != nil || m.Type == "pong" {
						break
					}
				}
				p.Close()
			}
		})
	}
	stop := make(chan struct{})
	reloaded := make(chan int)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				reloaded <- i
				return
			default:
				w.hub.Reconfigure(hub.Config{AddressSessions: 100 + i%2, AddressRate: float64(1000 + i%2*1000), QueueBytes: 1<<20 + i%2})
			}
		}
	}()
	peers.Wait()
	close(stop)
	if n := <-reloaded; n == 0 {
		t.Error("the configuration was never replaced")
	}
	if err := w.hub.CheckInvariants(); err != nil {
		t.Error(err)
	}
}
