package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// listen opens the port, or the first of the next ones that is free. It does not probe
// a port first, because another process could take it in between (G14). Port 0 is any
// free port.
func listen(ctx context.Context, host string, port, retries int) (net.Listener, error) {
	if port == 0 {
		retries = 0
	}
	last := min(port+retries, 65535)
	var lc net.ListenConfig
	for p := port; ; p++ {
		ln, err := lc.Listen(ctx, "tcp", net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(p)))
		switch {
		case err == nil:
			return ln, nil
		case isBusy(err) && p < last:
			continue
		case isBusy(err) && last > port:
			return nil, fmt.Errorf("ports %d to %d are busy: %w", port, last, err)
		}
		return nil, err
	}
}

// isBusy reports whether the error means that another socket listens on the port.
func isBusy(err error) bool {
	const wsaEADDRINUSE = syscall.Errno(10048) // the same on Windows
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaEADDRINUSE)
}

// isLoopback reports whether only this machine can reach a host.
func isLoopback(host string) bool {
	addr, _ := netip.ParseAddr(strings.Trim(host, "[]"))
	return addr.Unmap().IsLoopback() || host == "localhost"
}

// portOf returns the port of a listener.
func portOf(ln net.Listener) int {
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	n, _ := strconv.Atoi(port)
	return n
}
