//go:build linux

package hub_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The server under test is a child process, so that its CPU, memory and allocations are its own. The child is this very
// test binary: the environment names what to serve, and init never returns.
const (
	benchServerEnv  = "PIGEONHUB_BENCH_SERVER"  // hub, naive, pipes:hub, pipes:naive, pipes:control
	benchQueueEnv   = "PIGEONHUB_BENCH_QUEUE"   // naive: messages in a peer's channel
	benchProfileEnv = "PIGEONHUB_BENCH_PROFILE" // a folder for a CPU profile of each server
)

// benchHandlers are the contenders. Filled by package-level initialisers (see registerBench), which all run before any
// init does.
var benchHandlers = map[string]func() (http.Handler, error){}

// registerBench adds a contender; its result is for a package-level `var _`.
func registerBench(kind string, make func() (http.Handler, error)) bool {
	benchHandlers[kind] = make
	return true
}

var _ = registerBench("naive", func() (http.Handler, error) {
	queue := 256
	if s := os.Getenv(benchQueueEnv); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", benchQueueEnv, err)
		}
		queue = n
	}
	return newNaiveHub(queue), nil
})

func init() {
	kind := os.Getenv(benchServerEnv)
	if kind == "" {
		return
	}
	if err := serveBench(kind); err != nil {
		fmt.Fprintf(os.Stderr, "bench server %s: %v\n", kind, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// benchStats is what a server says of itself. Counters run since its start.
type benchStats struct {
	Addr       string `json:"addr,omitempty"` // in the first line only
	Err        string `json:"err,omitempty"`
	CPU        int64  `json:"cpu_ns"`
	Mallocs    uint64 `json:"mallocs"`
	TotalAlloc uint64 `json:"total_alloc_bytes"`
	HeapLive   uint64 `json:"heap_live"`
	Stack      uint64 `json:"stack_bytes"`
	RSS        uint64 `json:"rss"`
	Goroutines int    `json:"goroutines"`
}

// serveBench serves until stdin ends, which it does when the benchmark process does, however that comes about.
func serveBench(kind string) error {
	stopProfile, err := startBenchProfile(kind)
	if err != nil {
		return err
	}
	defer stopProfile()

	contender, pipes := strings.CutPrefix(kind, "pipes:")
	var first benchStats
	var fill func(n int) error
	if pipes {
		fill, err = newBenchPipes(contender)
	} else {
		first.Addr, err = listenBench(contender)
	}
	if err != nil {
		return err
	}
	return answerBench(os.Stdin, os.Stdout, first, fill)
}

func listenBench(kind string) (addr string, err error) {
	handler, err := makeBench(kind)
	if err != nil {
		return "", err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	go serveBenchHTTP(ln, handler)
	return ln.Addr().String(), nil
}

func makeBench(kind string) (http.Handler, error) {
	make := benchHandlers[kind]
	if make == nil {
		return nil, fmt.Errorf("no contender %q", kind)
	}
	return make()
}

func serveBenchHTTP(ln net.Listener, handler http.Handler) {
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	err := srv.Serve(ln)
	fmt.Fprintf(os.Stderr, "bench server: %v\n", err) // it never ends while the process lives
}

// answerBench answers commands, a line each with a line of JSON: stats, gc (collect first), fill N (in-memory peers).
func answerBench(in io.Reader, out io.Writer, first benchStats, fill func(n int) error) error {
	enc := json.NewEncoder(out)
	if err := enc.Encode(first); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		cmd, arg, _ := strings.Cut(lines.Text(), " ")
		var err error
		switch cmd {
		case "stats":
		case "gc":
			runtime.GC()
			runtime.GC() // the second frees what finalizers and sync.Pools held through the first
			debug.FreeOSMemory()
		case "fill":
			n, _ := strconv.Atoi(arg)
			err = fill(n)
		default:
			err = fmt.Errorf("no command %q", cmd)
		}
		if err := enc.Encode(readBenchStats(err)); err != nil {
			return err
		}
	}
	return nil
}

func readBenchStats(err error) benchStats {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	st := benchStats{
		CPU:        benchSelfCPU(),
		Mallocs:    m.Mallocs,
		TotalAlloc: m.TotalAlloc,
		HeapLive:   m.HeapAlloc,
		Stack:      m.StackInuse,
		RSS:        benchSelfRSS(),
		Goroutines: runtime.NumGoroutine(),
	}
	if err != nil {
		st.Err = err.Error()
	}
	return st
}

// benchSelfCPU is user and system time of this process in nanoseconds.
func benchSelfCPU() int64 {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		panic(err)
	}
	return ru.Utime.Nano() + ru.Stime.Nano()
}

func benchSelfRSS() uint64 {
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	var size, resident uint64
	if _, err := fmt.Sscan(string(raw), &size, &resident); err != nil {
		panic(err)
	}
	return resident * uint64(os.Getpagesize())
}

func startBenchProfile(kind string) (stop func(), err error) {
	dir := os.Getenv(benchProfileEnv)
	if dir == "" {
		return func() {}, nil
	}
	name := fmt.Sprintf("%s-%d.pprof", strings.ReplaceAll(kind, ":", "-"), os.Getpid())
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil
}
