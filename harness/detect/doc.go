// Package detect finds what a program keeps after its peers have left. Each Detector counts
// one kind of thing before the peers come and after each cycle of them.
//
//	func init() { heap.RecordAll() }
//
//	detectors := detect.Detectors{
//		&detect.Descriptors{}, &detect.Goroutines{}, // before the collection
//		&detect.Unclosed{}, &detect.Sites{}, &detect.Timers{},
//		&detect.Census{Roots: map[string]any{"hub": h}},
//	}
//	warmUp()
//	err := detectors.Baseline(ctx, detect.NewReading(0))
//	for _, dose := range []int64{1009, 1013, 1019} {
//		churn(dose)
//		err = settle.Until(ctx, allPeersHaveLeft)
//		err = detectors.Cycle(ctx, detect.NewReading(dose))
//	}
//	findings, err := detectors.Findings(ctx)
//
// It knows nothing of hubs: each detector works alone, in the tests of any Go program.
//
// # What sees what
//
//	Descriptors  sockets, files and pipes left open
//	Unclosed     connections and files that the GC freed but that nothing closed
//	Goroutines   goroutines that do not end, by go statement
//	Sites        objects that stay, and single ones that get larger, by the line that allocates them
//	Timers       timers never stopped, contexts never cancelled
//	Census       maps, slices, channels and lists that grow, by field
//	Watch        given objects that are still alive, and by which path
//	Gauges       gauges of the target that drift, checks that fail
//	Mapped       memory outside of the Go heap that stays mapped
//	Quiet        goroutines that run although no peer is connected
//	Footprint    what a connected peer costs, and what a crowd leaves
//
// Together they miss what a target keeps outside its process, what C allocates, a counter without a
// gauge, numbers in a collection that no root leads to, and whatever the scenarios do not
// exercise.
//
// # Order
//
// Read when the target reports that all peers have left. Descriptors come before the first
// forced collection, because a collection closes forgotten ones. Then comes the collection,
// once for all detectors of a Reading, and what counts live objects: Unclosed, Sites, Timers.
// Goroutines and Census do not depend on it. Take a heap dump before a goroutineleak profile:
// in Go 1.26 a dump after one crashes the process.
//
// Take the baseline after a warm-up with as many peers at once as the cycles will have,
// because pools, maps, goroutine descriptors and free lists follow their peak.
//
// # Census
//
// A census walks from the roots to every collection by reflection, through unexported fields,
// and adds up lengths by path:
//
//	hub.Hub.networks[*].members
//
// [*] stands for all elements, [key] for all keys of a map, .(T) for the value in an interface.
// A field that leads back to its own type is one path, with a * for its links. A collection
// that several paths lead to counts for the shortest. The children of a context count, because
// a context that is never cancelled stays there.
//
// The target must be quiet during the walk, because a concurrent write to a map ends the
// process. The walk misses variables captured by closures, elements in a channel, and unsafe
// pointers other than those of atomic.Pointer. It does not enter a sync.Pool, contexts,
// loggers, or packages of the standard library that hold no state of the caller.
//
// A path is a finding if it grew in two thirds of the cycles and in the last one. Each reading
// counts twice, 20 ms apart. A path whose size differs between the two, such as a buffer that is
// rebuilt all the time, is a finding only if it grew by more than three times the largest such
// difference. A collection that should grow, such as a series of measurements, needs Stop or
// Ignore.
//
// # Descriptors
//
// Descriptors must be read before the first forced collection. No GC starts by itself during the
// reading; Unclosed reports what a GC within a cycle has closed. The
// runtime's epoll and eventfd do not count. Idle connections of http.DefaultClient are closed
// first.
//
// A descriptor is new if its number led to another socket, pipe or file at the baseline. A kind
// is a finding if there are more of it than at the baseline. The line that opened a descriptor
// is unknown; if Accepted does not know the connection, the finding lists the system calls in
// the packages of Roots that can have opened it. Sockets that only the kernel still holds
// (TIME_WAIT, FIN_WAIT) are not seen, nor is mapped memory, which Mapped finds.
//
// # Unclosed
//
// The count is exact, and includes collections that the runtime makes within a cycle. Finalizers
// of other packages count as well, so leave Unclosed out if the target has some, for example
// to free memory of C. Cleanups (runtime.AddCleanup) do not count, because unique, crypto/tls
// and Watch run them normally; so an os.Process without Wait is not seen. An object in a cycle
// of two with finalizers is never freed: Descriptors sees it.
//
// The line that opened a connection comes from the exact heap profile: the lines whose
// connections were freed meanwhile, closed or not. For connections that an HTTP server
// accepted it is the line that took them over by Hijack or an upgrade, because that code must
// close them. Their scenario is known if Accepted is set.
//
// # Goroutines
//
// A goroutine that replaces one of the same entry function is not seen, nor one that starts and
// ends between two readings, such as a timer's callback. The goroutines of the runtime, of
// testing, Ginkgo and os/signal, and the caller's do not count. Idle connections of
// http.DefaultClient are closed first; those of other clients are for the caller to close.
//
// # Sites
//
// The growth of a line is a leak if one of three tests succeeds:
//
//   - each cycle grew by a multiple of its dose. That is proof if the doses are primes whose
//     product is above a million.
//   - each of three or more cycles grew, by at least 3 objects and a quarter of the mean.
//   - over five or more cycles the level follows the number of peers.
//
// With 3 cycles of 1,009 peers it always finds one object per peer of 16 bytes or more, and one
// per 100 peers in more than 95 of 100 runs. Smaller objects without pointers share a block of
// 16 bytes and are found as blocks. A map is one object of 48 bytes, at the line that makes it:
// its tables do not count.
//
// Sites finds single objects that get larger, too, such as a string that longer ones replace: the
// line has as many objects as before, but more bytes. Over three or more cycles the bytes at
// least double, by at least 2,048, follow the number of peers in a straight line, grow in the last
// cycle and never fall. So an array that append enlarges is found, and a buffer that follows the
// largest message is not. Census finds a bytes.Buffer, which doubles each time it is full. A line
// that also allocated a larger object is missed.
//
// It does not see maps of numbers (Census does), a pinned string (Footprint does), memory outside
// of the heap (Mapped does), and what retains an object. It counts objects
// that the caller keeps for each peer: keep results in memory made before the baseline. A cache
// that fills more slowly than the run lasts looks like a leak.
//
// # Timers
//
// Timers counts the objects made by time.AfterFunc, NewTimer, NewTicker and After and by
// context.WithCancel, WithTimeout, WithDeadline and AfterFunc. A timer of AfterFunc lives until
// it has fired or was stopped, a context until it is cancelled or its parent is collected. A
// timer or ticker with a channel does not count once nothing refers to it, stopped or not. A
// stopped timer or cancelled context that something keeps still counts, and Sites reports its
// line, too. Deadlines of connections are timers inside of the runtime and are not seen. A timer
// that re-arms itself counts as one.
//
// # Watch
//
// Add takes about 300 ns and 100 bytes, which are freed after the object was collected. It holds
// a weak pointer, never the object. An object added twice counts twice. An object that a
// finalizer keeps which cannot run, in a cycle, counts as retained. Settle waits until a
// sync.Pool has released its objects. Elements beyond the length of a slice, or before its start
// after q = q[1:], are retained until the slice is reallocated; heap.Retainers names them. Read
// Descriptors before Settle, because its collections close forgotten descriptors.
//
// # Mapped
//
// Mapped counts the pages that the process has mapped, less those that the runtime says it has
// (Linux only). A buffer of mmap without its munmap is a finding, touched or not, and so is a file that
// stays mapped. Growth is judged as by Sites, and must be 3 pages a cycle. Mapped is off in a program that
// is linked with C, such as one with the race detector: C allocates memory and the stacks of threads
// by rules of its own. The line that mapped the memory is unknown; the finding lists the calls of
// Mmap in the packages of Roots.
//
// # Footprint
//
// Footprint is for leaks that a comparison before and after many lives cannot see. Some end with
// the peer: a short string that keeps the message it was cut from, a handler that does not
// return and keeps what its server allocated for the request, a buffer at the size of its largest
// message. Others are left by a peak and do not grow further: a map, unused capacity of a slice,
// the array behind q = q[1:].
//
// # Errors
//
// An error of a detector means that it could not look: a profile that is not exact, a table
// that cannot be read, a process that has ended. It makes a run invalid; it is never a pass.
//
// All detectors but Census, Watch and Goroutines with Labels read what belongs to the whole
// process: tests that use them must not run in parallel with others.
//
// # Files
//
// detector.go has Detector and Reading. Each detector has files that begin with its name.
// accepted.go attributes connections to scenarios, growth.go has the growth by cycle, and own.go
// names functions of this package that must not appear in results. Package verdict tests whether
// growth is a leak.
package detect
