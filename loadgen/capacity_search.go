package loadgen

// grade is what became of one try of a level.
type grade int

const (
	held    grade = iota
	broke         // a limit of the level was broken by the target
	blocked       // the generator could not make the load
)

// search looks for the highest level that a target holds: it doubles the level until one does
// not hold, and bisects between the two. A level that does not hold is tried again at once, so
// that a single hiccup ends nothing. At last both levels of the result are tried again, and two
// of three tries decide: a lucky try, or an unlucky one, is found out by that, and the search
// goes on.
type search struct {
	least, first, most int     // levels; the search begins with first
	within             float64 // share of a level down to which the search goes

	// try tries a level. It reports false if the time is up, or the target is dead.
	try func(level int) (grade, bool)
}

// knee is the result of a search.
type knee struct {
	held int   // the highest level that held, 0 if none did
	bad  int   // the lowest level above it that did not, 0 if none was met
	why  grade // of bad
	over bool  // the search ended by its result, and not because the time was up
}

// limits are the levels that a search has met: those that held, in rising order, and those
// that did not, in falling order.
type limits struct {
	good, bad []int
	grades    map[int]grade
	firm      map[int]bool // those that were tried again
}

// run searches.
func (s *search) run() knee {
	l := limits{grades: map[int]grade{}, firm: map[int]bool{}}
	for {
		level := s.next(&l)
		if level == 0 {
			return l.knee(true)
		}
		again := level == last(l.good) || level == last(l.bad)
		g, ok := s.grade(level, again)
		if !ok {
			return l.knee(false)
		}
		l.firm[level] = again
		l.enter(level, g)
	}
}

// enter records what became of a level, which may have been tried before.
func (l *limits) enter(level int, g grade) {
	if level == last(l.good) {
		l.good = l.good[:len(l.good)-1]
	}
	if level == last(l.bad) {
		l.bad = l.bad[:len(l.bad)-1]
	}
	l.grades[level] = g
	if g == held {
		l.good = append(l.good, level)
	} else {
		l.bad = append(l.bad, level)
	}
}

func (l *limits) knee(over bool) knee {
	return knee{held: last(l.good), bad: last(l.bad), why: l.grades[last(l.bad)], over: over}
}

// last returns the last level of a list, 0 if the list is empty.
func last(levels []int) int {
	if len(levels) == 0 {
		return 0
	}
	return levels[len(levels)-1]
}

// next returns the level to try next, 0 if none is left.
func (s *search) next(l *limits) int {
	highest, bad := last(l.good), last(l.bad)
	floor := max(highest, s.least-1)
	switch {
	case bad == 0 && highest == 0:
		return min(s.first, s.most)
	case bad == 0 && highest < s.most:
		return min(2*highest, s.most)
	case bad > 0 && float64(bad-floor) > max(1, s.within*float64(bad)):
		return (floor + bad) / 2
	case highest > 0 && !l.firm[highest]:
		return highest
	case bad > 0 && !l.firm[bad]:
		return bad
	}
	return 0
}

// grade tries a level: twice if it does not hold at once, or until two of three tries agree.
func (s *search) grade(level int, again bool) (grade, bool) {
	first, ok := s.try(level)
	if !ok || first == held && !again {
		return first, ok
	}
	second, ok := s.try(level)
	if !ok || !again || (first == held) == (second == held) {
		return second, ok
	}
	return s.try(level)
}
