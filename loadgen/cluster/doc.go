// Package cluster carries a run to several worker processes: the parcels that coordinator
// and workers exchange, the links that carry them, and workers on this machine.
//
//	links, err := cluster.Processes{Command: []string{self, "worker"}}.Recruit(ctx, 4, log)
//	err = links[0].Send(cluster.Parcel{Order: &cluster.Order{Phase: 0}})
//	p, err := links[0].Receive()
//
//	recruiter.go   Recruiter, which provides workers
//	parcel.go      Parcel and Link, what is exchanged and over what
//	processes.go   Processes, workers that this process starts
//	child*.go      Child, a process that this one starts
package cluster
