// Package probe reads a process from outside: the /health page and the Prometheus
// metrics of a hub and the profiles of a Go process by their URL; memory, threads,
// descriptors and processor time by its process id. A reading is a map of finite
// numbers by name.
//
//	probes, err := probe.Discover(ctx, "wss://hub.example.org")
//	for _, p := range probes {
//		reading, err := p.Read(ctx)
//		fmt.Println(reading, err)
//	}
//
// No connection is kept between readings, so that whoever counts descriptors or
// goroutines does not find ours. All functions may be called concurrently.
package probe
