package suspect

import (
	"strconv"
	"time"
)

// Quantity is something that may grow, such as the length of a collection.
type Quantity struct {
	Name       string
	PerSession float64 // the most that a session adds to it while it lasts
	Least      float64 // growth below this is not suspected: what is known to fill to a bound
}

// Reading is what a server holds at one time.
type Reading struct {
	At       time.Time
	Sessions int       // the most that the values may be due to
	Departed uint64    // sessions that have ended since the server was started
	Values   []float64 // of the quantities, in their order
}

// Suspicion is a quantity that seems to leak.
type Suspicion struct {
	Name        string
	PerThousand float64   // growth for each 1,000 departed sessions, of the last low points, to three digits
	Since       time.Time // when the growth began
	level       float64   // before the growth
}

const (
	leastDeparted = 100 // between two low points
	leastPoints   = 9   // of growth
	mostPoints    = 168 // of one baseline: an hour each, a week
	few           = 16  // sessions
)

// Observer collects readings and compares the low points among them. Its methods must not be
// called concurrently.
type Observer struct {
	period     time.Duration
	quantities []Quantity
	suspicions []Suspicion // of the quantities, the zero value for none
	compared   uint64      // low points

	// Of this period.
	begun time.Time
	low   Reading

	// The baseline.
	departed uint64    // at the last low point
	periods  int       // that it is for
	points   []Reading // comparable low points, the oldest first
	tests    []test    // of the quantities
}

// New returns an Observer that compares the low points of periods. Its memory is bounded.
func New(period time.Duration, quantities []Quantity) *Observer {
	o := &Observer{period: period, quantities: quantities, suspicions: make([]Suspicion, len(quantities))}
	o.anew()
	return o
}

// anew begins a baseline.
func (o *Observer) anew() {
	o.periods, o.points, o.tests = 0, nil, make([]test, len(o.quantities))
}

// Take takes a reading. It returns the suspicions that are new.
func (o *Observer) Take(r Reading) []Suspicion {
	if o.begun.IsZero() {
		o.begun = r.At
	}
	if r.Departed < o.departed+leastDeparted {
		return nil
	}
	if o.low.Values == nil || r.Sessions <= o.low.Sessions {
		o.low = r
	}
	if r.At.Sub(o.begun) < o.period {
		return nil
	}
	p := o.low
	o.begun, o.low, o.departed = r.At, Reading{}, p.Departed
	return o.compare(p)
}

// Compared returns how many low points have been compared with others.
func (o *Observer) Compared() uint64 { return o.compared }

// Suspicions returns for each quantity what is suspected now. PerThousand is 0 if nothing is.
func (o *Observer) Suspicions() []Suspicion {
	list := make([]Suspicion, len(o.quantities))
	for i, s := range o.suspicions {
		list[i] = s
		list[i].Name = o.quantities[i].Name
	}
	return list
}

// compare adds a low point to the baseline and tests each quantity.
func (o *Observer) compare(p Reading) (found []Suspicion) {
	if o.periods++; o.periods > mostPoints {
		o.anew()
	}
	for _, q := range o.points {
		switch {
		case busier(p, q):
			return nil
		case busier(q, p): // the server is idle only now
			o.anew()
		}
	}
	o.points = append(o.points, p)
	if len(o.points) > 1 {
		o.compared++
	}
	for i := range o.tests {
		if s, isNew := o.judge(i); isNew {
			found = append(found, s)
		}
	}
	return found
}

func busier(a, b Reading) bool { return a.Sessions > 2*b.Sessions+few }

// judge tests one quantity. A suspicion stands until a low point is back at the level before the
// growth. Until then its rate follows the last low points.
func (o *Observer) judge(i int) (s Suspicion, isNew bool) {
	t, q, stands := &o.tests[i], o.quantities[i], &o.suspicions[i]
	t.add(rank(o.points, i, q.PerSession), len(o.points))
	if stands.PerThousand > 0 && o.points[len(o.points)-1].Values[i] <= stands.level {
		*stands = Suspicion{}
	}
	g, ok := t.growth(o.points, i)
	rate := threeDigits(1000 * g.rate)
	switch {
	case !ok || rate <= 0:
	case stands.PerThousand > 0:
		stands.PerThousand = rate
	case t.wealth >= float64(len(o.tests))/falseAlarms && g.by >= q.Least && g.straight:
		*stands = Suspicion{Name: q.Name, PerThousand: rate, Since: g.from.At, level: g.from.Values[i]}
		return *stands, true
	}
	return Suspicion{}, false
}

func threeDigits(x float64) float64 {
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	return x
}
