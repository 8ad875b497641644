// Package schedule decides when the actions of a load begin, and runs them then.
//
//	s := schedule.New(2048, recorder.AddSlip)
//	pace := schedule.Pace{Start: time.Now(), Rate: 200, Seed: seed}
//	s.AddPaced(pace, 5000, func(ctx context.Context, i int, t schedule.Tick) { dial(ctx, i, t) })
//	s.Run(ctx)
//
// The model is open: the time of an action depends on the rate and the seed, never on
// how fast the target answers.
//
//	schedule.go   Schedule, which runs actions when they are due
//	pace.go       Pace, which lays out their times, and Tick, the time of one action
//	seed.go       random streams derived from a seed and a place
package schedule
