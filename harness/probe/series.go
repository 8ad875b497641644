package probe

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Point is one value at a time.
type Point struct {
	Seconds float64 // since the first reading of the series
	Value   float64
}

// Series collects readings by name. The zero value is ready to use; its methods may
// be called concurrently. It keeps every point, of 16 bytes.
type Series struct {
	mu     sync.Mutex
	start  time.Time
	points map[string][]Point
}

// Add adds a reading. A name that is missing in it has no point at that time. Points
// are in the order of their times, also if the readings are not; the first reading
// is where time begins, what is before it has negative seconds.
func (s *Series) Add(at time.Time, reading map[string]float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.points == nil {
		s.start, s.points = at, map[string][]Point{}
	}
	seconds := at.Sub(s.start).Seconds()
	for name, value := range reading {
		list := s.points[name]
		i := len(list)
		for i > 0 && list[i-1].Seconds > seconds {
			i--
		}
		s.points[name] = slices.Insert(list, i, Point{seconds, value})
	}
}

// Names returns the names there are, sorted.
func (s *Series) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.points))
}

// Points returns a copy of the points of a name, nil if there are none.
func (s *Series) Points(name string) []Point {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.points[name])
}
