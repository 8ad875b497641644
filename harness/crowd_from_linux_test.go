package harness_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness"
)

func TestCrowdComesFromManyAddresses(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, host)
		http.Error(w, "no hub", http.StatusForbidden)
	}))
	defer server.Close()
	target, err := harness.NewRemote("ws" + strings.TrimPrefix(server.URL, "http"))
	if err != nil {
		t.Fatal(err)
	}
	from := []net.Addr{&net.TCPAddr{IP: net.IPv4(127, 1, 2, 3)}, nil, &net.TCPAddr{IP: net.IPv4(127, 4, 5, 6)}}
	crowd := harness.Crowd{
		Target: target, AtOnce: 1,
		Scenarios: []harness.Scenario{{Name: "refused", Live: func(ctx context.Context, v *harness.Visit) error {
			if v.Dial(ctx) == nil {
				t.Error("a server that is no hub let a peer in")
			}
			return nil
		}}},
		From: func() net.Addr {
			next := from[0]
			from = from[1:]
			return next
		},
	}
	crowd.Send(t.Context(), 0, map[string]int64{"refused": 3})
	if want := []string{"127.1.2.3", "127.0.0.1", "127.4.5.6"}; !slices.Equal(seen, want) {
		t.Errorf("peers came from %q, want %q", seen, want)
	}
}
