// Package suspect compares a server's idle times with each other and names what grows with the
// sessions that have departed. It knows no hub: it reads what it is given.
//
//	o := suspect.New(time.Hour, []suspect.Quantity{{Name: "networks", Least: 10}})
//	...
//	for _, s := range o.Take(reading) {
//		log.Warn("leak suspected", "collection", s.Name, "since", s.Since)
//	}
//
// # Low points
//
// Of each period the Observer keeps the reading with the fewest sessions: the low point. Low
// points are compared if 100 sessions or more departed in between, and if each has at most twice
// as many sessions as the other, or few. A week of hourly low points is one baseline; then the
// next one begins, so memory is bounded.
//
// # The test
//
// A quantity is suspected if all of this holds:
//
//   - The test in sequential.go is certain that it grows. A healthy server crosses the threshold at most
//     once in 5,000 low points, its quantities together, on average.
//   - It grew over nine low points or more, and by Quantity.Least or more.
//   - It grew as fast lately as before, because what fills to a bound slows down.
//   - It grew twice as far as a random walk of the same steps, because memory that stays in use
//     for hours makes one low point follow the other.
//
// A low point with more sessions than another one may exceed it by Quantity.PerSession for each.
// So what follows the number of sessions is not suspected.
//
// # What it does not see
//
// Nothing is suspected before the ninth comparable low point, and no growth below Least, whether
// it is a leak or not. A cache that fills evenly over nine low points by more than Least looks
// like a leak. A session that never ends is a session, not a leak. That nothing is suspected does
// not mean that nothing leaks.
package suspect
