// Package preflight compares what a run needs with what this machine allows.
//
//	limits := preflight.ReadLimits(sources, preflight.IsLoopback4(target))
//	for _, a := range preflight.Check(limits, preflight.Need{Peers: 15_000, Sources: 1, Workers: 1}) {
//		fmt.Println(a.What, a.Do)
//	}
//
//	preflight.go   Check, and the advice that it gives
//	limits*.go     Limits, read from the operating system
//	addresses.go   source addresses, and whether a target is this machine
package preflight
