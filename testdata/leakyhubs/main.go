// Command leakyhubs is a small hub in many versions, to calibrate loadgen with: each
// version has one leak, or growth that is not a leak.
//
//	go run ./testdata/leakyhubs --hub session-per-rst --pages health,metrics,pprof
//
// It speaks enough of the PeerPigeon protocol for loadgen's peers. It prints the URL that it
// listens at, and ends when its standard input ends.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
)

func main() {
	runtime.MemProfileRate = 4 << 10 // a leak of few peers is small
	name := flag.String("hub", "healthy", "version of the hub: "+strings.Join(slices.Sorted(maps.Keys(versions)), ", "))
	pages := flag.String("pages", "health", "what of it can be read: health, metrics, pprof")
	flag.Parse()
	if err := run(*name, *pages); err != nil {
		fmt.Fprintf(os.Stderr, "leakyhubs: %v\n", err)
		os.Exit(1)
	}
}

func run(name, pages string) error {
	version, ok := versions[name]
	if !ok {
		return fmt.Errorf("no version %q", name)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h := newHub(version)
	go h.beat()
	mux := http.NewServeMux()
	mux.Handle("/", h)
	if err := h.serve(mux, strings.Split(pages, ",")); err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "ws://%s\n", listener.Addr())
	go http.Serve(listener, mux)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
