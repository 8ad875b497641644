package loadgen

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// listener returns the process of this machine that listens at a TCP port, and its other ports.
// It returns 0 if it finds none, for instance because the process is of another user.
func listener(port int) (pid int, others []int) {
	ports := listening()
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is well-formed
	of := map[int][]int{}
	for _, file := range files {
		link, err := os.Readlink(file)
		if p, ok := ports[link]; err == nil && ok {
			id, _ := strconv.Atoi(strings.Split(file, "/")[2]) // the pattern has digits alone
			of[id] = append(of[id], p)
			if p == port {
				pid = id
			}
		}
	}
	for _, p := range of[pid] {
		if p != port {
			others = append(others, p)
		}
	}
	return pid, others
}

// listening returns the TCP ports at which this machine listens, by the link of the descriptor.
func listening() map[string]int {
	const stateListen = "0A"
	ports := map[string]int{}
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, _ := os.ReadFile(file) // without it there is no advice
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line) // number, local address, remote address, state, ..., inode
			if len(f) < 10 || f[3] != stateListen {
				continue
			}
			_, hex, _ := strings.Cut(f[1], ":")
			if p, err := strconv.ParseUint(hex, 16, 16); err == nil {
				ports[fmt.Sprintf("socket:[%s]", f[9])] = int(p)
			}
		}
	}
	return ports
}
