package detect_test

import (
	"bytes"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// toyHub has indexes by peer and by network, queues and pools. It forgets a peer that leaves, except
// the objects in kept.
type toyHub struct {
	mu       sync.Mutex
	sessions map[string]*toySession
	networks map[string]map[string]*toySession
	seen     []string // bounded
	free     []*toySession
	kept     []any
	tags     map[uint64]int
	pool     sync.Pool
	log      *slog.Logger
}

type toySession struct {
	id, network string
	queue       [][]byte
	hub         *toyHub
}

func newToyHub() *toyHub {
	h := &toyHub{
		sessions: map[string]*toySession{}, networks: map[string]map[string]*toySession{}, tags: map[uint64]int{},
		log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	h.pool.New = func() any { return new([512]byte) }
	return h
}

func (h *toyHub) join(id, network string) *toySession {
	s := &toySession{id: strings.Clone(id), network: strings.Clone(network), hub: h}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sessions[s.id] = s
	if h.networks[network] == nil {
		h.networks[s.network] = map[string]*toySession{}
	}
	h.networks[network][s.id] = s
	return s
}

func (h *toyHub) leave(s *toySession) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, s.id)
	delete(h.networks[s.network], s.id)
	if len(h.networks[s.network]) == 0 {
		delete(h.networks, s.network)
	}
}

// crowd brings all peers at once. Goroutines of their own send messages to them and answer.
func (h *toyHub) crowd(rng *rand.Rand, peers int64, each func(rng *rand.Rand, s *toySession)) {
	there := make([]*toySession, peers)
	for i := range there {
		id := []byte("peer-0123456789012345678901234567890123")
		for j := 5; j < len(id); j++ {
			id[j] = "0123456789abcdef"[rng.IntN(16)]
		}
		there[i] = h.join(string(id), "net-"+string(rune('a'+i%26)))
	}
	var wg sync.WaitGroup
	for part := range 4 {
		seed := rng.Uint64()
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 0))
			for i := part; i < len(there); i += 4 {
				b := h.pool.Get().(*[512]byte)
				for range 1 + rng.IntN(4) {
					there[i].queue = append(there[i].queue, bytes.Clone(b[:rng.IntN(64)]))
				}
				h.pool.Put(b)
			}
		})
	}
	wg.Wait()
	for _, s := range there {
		if each != nil {
			each(rng, s)
		}
		h.leave(s)
	}
}

// churn runs a cycle of a hub for each dose, after a warm-up, and returns the findings of Sites.
func churn(t *testing.T, seed uint64, doses []int64, each func(rng *rand.Rand, s *toySession)) []verdict.Finding {
	t.Helper()
	h, rng := newToyHub(), rand.New(rand.NewPCG(seed, 1))
	h.crowd(rng, 1100, nil)
	h.crowd(rng, 1100, nil)
	found := findIn(t, &detect.Sites{}, doses, func(_ int, dose int64) { h.crowd(rng, dose, each) })
	runtime.KeepAlive(h)
	return found
}

// A leak of one object of 16 bytes per peer is found, and so are several kinds at once.
func TestSitesFindsOnePerPeer(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	doses := primes[:3]
	f := wantOne(t, churn(t, 1, doses, keep16), verdict.Object, 3041, "detect_test.keep16")
	wantCycles(t, f, doses...)
	if f.Bytes != 16*3041 || !strings.Contains(f.Detail, "exactly 1 per peer") {
		t.Errorf("%d bytes\n%s", f.Bytes, f.Detail)
	}
	f = wantOne(t, churn(t, 2, doses, keepSession), verdict.Object, 3041, "(*toyHub).join")
	if f.Bytes <= 3041*100 {
		t.Errorf("the session holds more than %d bytes: %s", f.Bytes, f.Detail)
	}
}

type sixteen struct{ a, b uint64 }

func keep16(_ *rand.Rand, s *toySession) { s.hub.kept = append(s.hub.kept, &sixteen{1, 2}) }

func keepSession(_ *rand.Rand, s *toySession) {
	s.queue = nil
	s.hub.kept = append(s.hub.kept, s)
}

// A map for each peer is found at the line that makes it, in each way to make one.
func TestSitesFindsMapPerPeer(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	tags := map[string]int{"a": 1}
	for mark, keep := range map[string]func(*rand.Rand, *toySession){
		"an empty map": func(_ *rand.Rand, s *toySession) {
			s.hub.kept = append(s.hub.kept, map[string]int{}) // an empty map
		},
		"a map of one": func(_ *rand.Rand, s *toySession) {
			s.hub.kept = append(s.hub.kept, map[string]int{"a": 1}) // a map of one
		},
		"a map with room": func(rng *rand.Rand, s *toySession) {
			m := make(map[int]int, 20+rng.IntN(80)) // a map with room
			m[1] = 1
			s.hub.kept = append(s.hub.kept, m)
		},
		"a map that grew": func(rng *rand.Rand, s *toySession) {
			m := map[int]int{} // a map that grew
			for i := range rng.IntN(200) {
				m[i] = i
			}
			s.hub.kept = append(s.hub.kept, m)
		},
		"a copy": func(_ *rand.Rand, s *toySession) {
			s.hub.kept = append(s.hub.kept, maps.Clone(tags)) // a copy
		},
	} {
		t.Run(strings.ReplaceAll(mark, " ", "_"), func(t *testing.T) {
			f := wantOne(t, churn(t, 4, primes[:3], keep), verdict.Object, 3041, "TestSitesFindsMapPerPeer")
			wantCycles(t, f, primes[:3]...)
			if want := fixture.LineOf(t, "sites_test.go", mark); f.Born.Line != want.Line || f.Bytes != 48*3041 {
				t.Errorf("%d bytes at line %d, want line %d\n%s", f.Bytes, f.Born.Line, want.Line, f.Detail)
			}
		})
	}
}

// For an allocation of a library, the line of its caller is reported.
func TestSitesNamesOurLine(t *testing.T) {
	found := churn(t, 3, primes[:3], func(_ *rand.Rand, s *toySession) { s.hub.kept = append(s.hub.kept, slog.Default().With("id", s.id)) })
	if len(found) != 1 || !strings.Contains(found[0].Born.Function, "TestSitesNamesOurLine") || !strings.Contains(found[0].Detail, "log/slog.(*Logger).With") {
		wantNone(t, found)
	}
}

// A single cycle is an error, and so is an inexact profile.
func TestSitesRefuses(t *testing.T) {
	s := &detect.Sites{}
	for _, read := range []func() error{
		func() error { return s.Baseline(t.Context(), detect.NewReading(0)) },
		func() error { return s.Cycle(t.Context(), detect.NewReading(7)) },
	} {
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := s.Findings(t.Context()); err == nil {
		t.Errorf("one cycle gave %d findings", len(found))
	}
	defer func(rate int) { runtime.MemProfileRate = rate }(runtime.MemProfileRate)
	runtime.MemProfileRate = 512 << 10
	if err := s.Baseline(t.Context(), detect.NewReading(0)); err == nil {
		t.Error("a sampled profile was taken for an exact one")
	}
}
