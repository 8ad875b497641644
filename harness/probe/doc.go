// Package probe reads a process from outside: by URL the /health page and the Prometheus metrics of
// a hub and the profiles of a Go process, by process id its memory, threads, descriptors and CPU
// time. A reading is a map of finite numbers by name.
//
//	probes, err := probe.Client{}.Discover(ctx, "wss://hub.example.org")
//	for _, p := range probes {
//		reading, err := p.Read(ctx)
//		fmt.Println(reading, err)
//	}
//
// No connection stays open between readings, so a count of descriptors or goroutines is not
// disturbed. All functions may be called concurrently.
//
// probe.go finds what answers at a URL. health.go, metrics.go and pprof.go read one kind of page,
// page.go gets it, and proc.go reads /proc.
package probe
