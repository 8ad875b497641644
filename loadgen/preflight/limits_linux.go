package preflight

import (
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// SystemLimits reads the limits of this process and of the kernel. It raises the soft
// limit of descriptors to the hard limit.
func SystemLimits(loopback bool) Limits {
	l := Limits{Descriptors: raiseDescriptors()}
	fields := strings.Fields(sysctl("net/ipv4/ip_local_port_range"))
	if len(fields) == 2 {
		l.Ports = portsIn(fields[0], fields[1], sysctl("net/ipv4/ip_local_reserved_ports"))
	}
	reuse := sysctl("net/ipv4/tcp_tw_reuse") // 2: on loopback
	l.TimeWaitReuse = reuse == "1" || reuse == "2" && loopback
	if limit := count(sysctl("net/netfilter/nf_conntrack_max")); limit > 0 {
		l.Conntrack = max(1, limit-count(sysctl("net/netfilter/nf_conntrack_count")))
	}
	l.Memory = availableMemory()
	return l
}

func raiseDescriptors() int64 {
	var r syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r) != nil {
		return 0
	}
	if raised := (syscall.Rlimit{Cur: r.Max, Max: r.Max}); r.Cur < r.Max && syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
		r = raised
	}
	return int64(min(r.Cur, math.MaxInt64))
}

// portsIn returns how many ports a range has without the reserved ones, a list such as
// 8080,9000-9100.
func portsIn(low, high, reserved string) int64 {
	from, to := count(low), count(high)
	n := to - from + 1
	for _, part := range strings.Split(reserved, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if first == "" {
			continue
		}
		if !isRange {
			last = first
		}
		n -= max(0, min(count(last), to)-max(count(first), from)+1)
	}
	return max(0, n)
}

// availableMemory returns the free memory of the machine, or of the container if that
// has less.
func availableMemory() int64 {
	var available int64
	info, _ := os.ReadFile("/proc/meminfo") // without it the memory is unknown
	for line := range strings.Lines(string(info)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "MemAvailable:" {
			available = count(fields[1]) << 10
		}
	}
	limit := count(file("/sys/fs/cgroup/memory.max")) // "max" counts as 0
	if left := limit - count(file("/sys/fs/cgroup/memory.current")); limit > 0 && left < available {
		available = max(1, left)
	}
	return available
}

// Kernel returns the release of the kernel.
func Kernel() string { return sysctl("kernel/osrelease") }

func sysctl(name string) string { return file("/proc/sys/" + name) }

// file returns the text of a small file, "" if it cannot be read.
func file(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// count reads a number, 0 if the text is not one.
func count(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
