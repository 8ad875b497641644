package loadgen

import (
	"math/rand/v2"
	"testing"
)

// searchOf is a search over a target that is not real.
func searchOf(try func(level int) grade) (s *search, tries *int) {
	tries = new(int)
	return &search{least: 1, first: 100, most: 20_000, within: .1, try: func(level int) (grade, bool) {
		*tries++
		return try(level), true
	}}, tries
}

// above is a target that holds a level and none above it.
func above(capacity int, bad grade) func(int) grade {
	return func(level int) grade {
		if level > capacity {
			return bad
		}
		return held
	}
}

// The level at which a target breaks lies between the two of the result.
func TestSearch(t *testing.T) {
	t.Parallel()
	for capacity := range 25_000 {
		if capacity > 300 && capacity%97 != 0 {
			continue
		}
		s, tries := searchOf(above(capacity, broke))
		k := s.run()
		switch {
		case !k.over || *tries > 40:
			t.Fatalf("capacity %d: %+v after %d tries", capacity, k, *tries)
		case capacity >= s.most:
			if k.held != s.most || k.bad != 0 {
				t.Errorf("capacity %d: %+v", capacity, k)
			}
		case k.held > capacity || k.bad <= capacity || k.why != broke:
			t.Errorf("capacity %d: %+v", capacity, k)
		case float64(k.bad-k.held) > max(1, .1*float64(k.bad)):
			t.Errorf("capacity %d: %+v is too wide", capacity, k)
		}
	}
}

// The bounds of a search hold.
func TestSearchBounds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		least, first, most, capacity int
		want                         knee
	}{
		{2, 100, 37, 50, knee{held: 37, over: true}},
		{2, 100, 37, 1, knee{bad: 2, over: true}},
		{2, 2, 2, 2, knee{held: 2, over: true}},
		{1, 1, 64, 64, knee{held: 64, over: true}},
		{1, 1, 65, 64, knee{held: 64, bad: 65, over: true}},
		{1, 100, 1000, 0, knee{bad: 1, over: true}},
	} {
		lowest, highest := tt.first, 0
		s := &search{least: tt.least, first: tt.first, most: tt.most, within: .01}
		s.try = func(level int) (grade, bool) {
			lowest, highest = min(lowest, level), max(highest, level)
			return above(tt.capacity, broke)(level), true
		}
		if k := s.run(); k.held != tt.want.held || k.bad != tt.want.bad || k.over != tt.want.over || lowest < tt.least || highest > tt.most {
			t.Errorf("%+v: %+v, levels %d to %d", tt, k, lowest, highest)
		}
	}
}

// What ends a search is the target, or the generator if that is the weaker one.
func TestSearchOfTheGenerator(t *testing.T) {
	t.Parallel()
	s, _ := searchOf(func(level int) grade {
		return max(above(3000, blocked)(level), above(5000, broke)(level))
	})
	if k := s.run(); k.held > 3000 || k.bad <= 3000 || k.why != blocked {
		t.Errorf("the generator is the limit: %+v", k)
	}
	s, _ = searchOf(func(level int) grade {
		if level > 3000 {
			return broke
		}
		return held
	})
	if k := s.run(); k.why != broke {
		t.Errorf("the target is the limit: %+v", k)
	}
}

// A search whose time is up says what it knows.
func TestSearchThatIsInterrupted(t *testing.T) {
	t.Parallel()
	for most := range 20 {
		n := 0
		s, _ := searchOf(nil)
		s.try = func(level int) (grade, bool) {
			n++
			return above(1000, broke)(level), n <= most
		}
		k := s.run()
		if k.held > 1000 || k.bad > 0 && k.bad <= 1000 || most < 5 && k.bad > 0 || most > 0 && k.held == 0 {
			t.Errorf("after %d tries: %+v", most, k)
		}
		if most < 8 && k.over {
			t.Errorf("after %d tries it says that it ended by its result", most)
		}
	}
}

// A target that sometimes breaks below its capacity, and sometimes holds above it, is measured
// nevertheless: nearly always within a fifth.
func TestSearchOfANoisyTarget(t *testing.T) {
	t.Parallel()
	const capacity, rounds, noise = 4000, 400, .1
	off := 0
	for seed := range uint64(rounds) {
		rng := rand.New(rand.NewPCG(seed, 7))
		s, tries := searchOf(func(level int) grade {
			g := above(capacity, broke)(level)
			if rng.Float64() < noise {
				return broke - g
			}
			return g
		})
		k := s.run()
		if !k.over || *tries > 80 {
			t.Fatalf("seed %d: %+v after %d tries", seed, k, *tries)
		}
		if k.held < capacity*8/10 || k.held > capacity*12/10 {
			off++
		}
	}
	if off > rounds/20 {
		t.Errorf("%d of %d searches are off by more than a fifth", off, rounds)
	}
}
