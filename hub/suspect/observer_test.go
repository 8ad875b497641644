package suspect_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/suspect"
)

// Healthy servers, with what makes a test err: a heap whose noise stays for hours, caches that
// fill, sessions that become more or fewer.
var healthy = map[string]func() *server{
	"idle_between_bursts": func() *server { return &server{sessions: inBursts(2000), noise: mib / 2} },
	"steady":              func() *server { return &server{sessions: always(500), churn: 300, noise: 2 * mib} },
	"noise_that_stays":    func() *server { return &server{sessions: always(500), churn: 300, noise: 8 * mib, memory: 0.9} },
	"daily":               func() *server { return &server{sessions: daily(20, 3000), churn: 200, noise: mib, memory: 0.5} },
	"more_and_more":       func() *server { return &server{sessions: rising(100, 3000), churn: 300, noise: mib} },
	"fewer_and_fewer":     func() *server { return &server{sessions: rising(3000, 100), churn: 300, noise: mib} },
	"small_caches_fill": func() *server {
		return &server{sessions: inBursts(1000), noise: mib / 8, caches: []cache{{2 * mib, 100, false, 0}, {3 * mib / 2, 300, true, 0}}}
	},
	"a_large_cache_fills": func() *server {
		return &server{sessions: inBursts(1000), noise: mib / 8, caches: []cache{{64 * mib, 20 << 10, true, 0}, {16 * mib, 4 << 10, false, 0}}}
	},
}

func TestHealthyServersAreNotSuspected(t *testing.T) {
	t.Parallel()
	const runs, periods = 20, 300
	for name, world := range healthy {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compared := uint64(0)
			for seed := range uint64(runs) {
				s := world()
				if found, when := s.run(seed, periods); len(found) > 0 {
					t.Errorf("seed %d: suspected %v after periods %v", seed, found, when)
				}
				compared += s.observer.Compared()
			}
			if compared < runs*20 {
				t.Errorf("%d low points were compared in %d periods", compared, runs*periods)
			}
			t.Logf("%d low points", compared)
		})
	}
}

// A leak is named within ten periods, by name, rate and time, and nothing else is.
func TestLeaksAreNamed(t *testing.T) {
	t.Parallel()
	const runs, base, periods = 50, 20, 10
	for _, tt := range []struct {
		world    string
		quantity int
		leak     float64 // per departed session
	}{
		{"idle_between_bursts", networks, 0.0008},
		{"idle_between_bursts", goroutines, 0.005},
		{"idle_between_bursts", heap, 800},
		{"steady", networks, 0.03},
		{"steady", goroutines, 0.1},
		{"small_caches_fill", heap, 1000},
	} {
		for _, from := range []int{0, base} {
			t.Run(fmt.Sprintf("%s/%s/from_%d", tt.world, quantities[tt.quantity].Name, from), func(t *testing.T) {
				t.Parallel()
				named := 0
				for seed := range uint64(runs) {
					s := healthy[tt.world]()
					s.leak[tt.quantity], s.from = tt.leak, from*int(period/step)
					found, _ := s.run(seed, from+periods)
					for _, x := range found {
						if x.Name != quantities[tt.quantity].Name {
							t.Errorf("seed %d: suspected %+v", seed, x)
							continue
						}
						named++
						began := time.Unix(0, 0).Add(time.Duration(from) * period)
						if off := x.Since.Sub(began); tt.world != "small_caches_fill" && (math.Abs(off.Hours()) > 3 || math.Abs(x.PerThousand/1000/tt.leak-1) > 0.3) {
							t.Errorf("seed %d: %v after it began, %v per 1,000, want %v", seed, off, x.PerThousand, 1000*tt.leak)
						}
					}
				}
				if t.Logf("%d of %d", named, runs); named < runs*9/10 {
					t.Errorf("%d of %d leaks were named", named, runs)
				}
			})
		}
	}
}

// A suspicion is reported once, stands while the growth is there, and ends when it has gone.
func TestSuspicionEndsWithTheGrowth(t *testing.T) {
	t.Parallel()
	s := healthy["idle_between_bursts"]()
	s.leak[networks] = 0.005
	if found, _ := s.run(1, 30); len(found) != 1 {
		t.Fatalf("got %v, want one suspicion", found)
	}
	names := func() (list []string) {
		for _, x := range s.observer.Suspicions() {
			if x.PerThousand > 0 {
				list = append(list, x.Name)
			}
		}
		return list
	}
	if got := names(); !slices.Equal(got, []string{"networks"}) {
		t.Errorf("suspected are %v, want networks", got)
	}
	s.leak, s.leaked = [3]float64{}, [3]float64{}
	for i := range 12 {
		s.observer.Take(s.reading(181 + i))
	}
	if got := names(); len(got) > 0 {
		t.Errorf("suspected are %v after the growth has gone", got)
	}
}

// Idle readings alone are no evidence: without departures nothing is compared.
func TestNothingDepartsNothingIsCompared(t *testing.T) {
	t.Parallel()
	s := &server{sessions: always(0), leak: [3]float64{1, 1, 1}}
	if found, _ := s.run(1, 100); len(found) > 0 || s.observer.Compared() > 0 {
		t.Errorf("%v, %d low points were compared", found, s.observer.Compared())
	}
	if got := s.observer.Suspicions(); len(got) != len(quantities) || got[heap] != (suspect.Suspicion{Name: "heap"}) {
		t.Errorf("got %v, want each quantity", got)
	}
}
