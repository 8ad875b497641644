package hub

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// periodsOf lets a hub go through so many periods. In each one 1,000 sessions depart, and what
// they leave behind is put into the hub with its lock held.
func periodsOf(h *Hub, n int, leave func(period int)) {
	for i := range n {
		h.counters.accepted.Add(1000)
		h.counters.ended[0].Add(1000)
		h.mu.Lock()
		leave(i)
		h.mu.Unlock()
		runtime.GC()
		runtime.GC()
		time.Sleep(h.cfg.Memory.LeakPeriod)
	}
}

// suspected returns the collections of the hub that are suspected. The process's heap and
// goroutines are left out, because other tests use them.
func suspected(h *Hub) (names []string) {
	for name, growth := range h.Stats().Suspected {
		if growth > 0 && strings.HasPrefix(name, "hub.") {
			names = append(names, name)
		}
	}
	return names
}

// A collection that keeps something of departed sessions is named within ten periods: in the log,
// by an event and in Stats.
func TestLeakIsSuspected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, log := memoryHub(t, MemoryConfig{Sample: time.Minute})
		sub, err := h.Subscribe("test", EventLeakSuspected)
		if err != nil {
			t.Fatal(err)
		}
		periodsOf(h, 10, func(period int) {
			for i := range 20 {
				h.networks[fmt.Sprint(period, i)] = &network{}
			}
		})
		if got := suspected(h); !slices.Equal(got, []string{"hub.Hub.networks"}) {
			t.Errorf("suspected are %v, want hub.Hub.networks", got)
		}
		if got := h.Stats().Suspected["hub.Hub.networks"]; got != 20 {
			t.Errorf("growth is %v for each 1,000, want 20", got)
		}
		select {
		case e := <-sub.Events():
			want := map[string]any{"collection": "hub.Hub.networks", "perThousand": 20.0, "since": e.Suspicion.Since}
			if got := e.Payload(); !maps.Equal(got, want) || time.Since(e.Suspicion.Since) < 8*time.Hour {
				t.Errorf("the event is %v, want %v", got, want)
			}
		default:
			t.Error("no event")
		}
		h.Close() // joins the monitor, so that the log may be read
		want := `level=WARN msg="leak suspected" collection=hub.Hub.networks per_1000_departed=20 since=`
		if n := strings.Count(log.String(), want); n != 1 {
			t.Errorf("%d lines %s, want one:\n%s", n, want, log)
		}
	})
}

// Nothing is suspected if nothing grows. Without a period nothing is compared.
func TestHealthyHubIsNotSuspected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := memoryHub(t, MemoryConfig{Sample: time.Minute})
		periodsOf(h, 12, func(int) {})
		if got := suspected(h); len(got) > 0 {
			t.Errorf("suspected are %v", got)
		}
		st := h.Stats()
		if st.LowPoints != 10 {
			t.Errorf("%d low points, want 10", st.LowPoints)
		}
		for _, name := range []string{"hub.Hub.sessions", "hub.Hub.subscriptions", "hub.Hub.stalled.sessions", "hub.Hub.gate", "heap"} {
			if _, looked := st.Suspected[name]; !looked {
				t.Errorf("%s is not among %v", name, slices.Sorted(maps.Keys(st.Suspected)))
			}
		}
		h.Close()
		off, _ := memoryHub(t, MemoryConfig{Sample: time.Minute, LeakPeriod: -1})
		for range 3 {
			periodsOf(off, 1, func(int) {})
			time.Sleep(time.Hour)
		}
		if n := off.Stats().LowPoints; n != 0 {
			t.Errorf("%d low points without a period", n)
		}
		off.Close()
	})
}
