package preflight

import (
	"fmt"
	"net/netip"
	"sort"
	"strings"
	"time"
)

// Limits are what a machine allows. A zero is unknown and not checked.
type Limits struct {
	Descriptors   int64 `json:"descriptors,omitempty"` // that a process may open
	Ports         int64 `json:"ports,omitempty"`       // for connections from one address to one target
	TimeWaitReuse bool  `json:"time_wait_reuse"`       // the port of a closed connection is free after a second, not a minute
	Conntrack     int64 `json:"conntrack,omitempty"`   // further connections that the firewall can track
	Memory        int64 `json:"memory,omitempty"`      // available bytes

	Missing []netip.Addr `json:"missing,omitempty"` // source addresses that this machine does not have
}

// Need is what a run needs of one machine.
type Need struct {
	Peers    int64 // connected at the same time
	Closing  int64 // closed connections that may still hold their ports
	Sources  int64 // addresses to connect from; at least 1
	Workers  int64 // processes that share the peers; at least 1
	Loopback bool  // the target is this machine
}

// What a process and a peer need.
const (
	ownDescriptors  = 256      // of a process beside its peers: pages, pipes, failed dials
	ownBytes        = 96 << 20 // of a process
	peerBytes       = 16 << 10 // half of it in the kernel
	portReserve     = 10       // one port in 10 stays free, because the kernel finds the last ones slowly
	conntrackChange = 16 << 10 // added to the advised limit
	TimeWait        = time.Minute
	TimeWaitReused  = time.Second
)

// Advice is a limit that is too low, and what to do about it.
type Advice struct {
	About string `json:"about"`
	Need  int64  `json:"need"`
	Have  int64  `json:"have"`
	What  string `json:"what"`
	Do    string `json:"do"`
}

// Error lists all limits that are too low for a run. The run has not begun.
type Error struct{ List []Advice }

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("this machine is too small for the run (--ignore-preflight starts it anyway)")
	for _, a := range e.List {
		fmt.Fprintf(&b, "\n  %s: %s\n    %s", a.About, a.What, a.Do)
	}
	return b.String()
}

// Check returns advice for each limit that is too low.
func Check(l Limits, n Need) []Advice {
	var list []Advice
	for _, check := range []func(Limits, Need) *Advice{descriptors, ports, conntrack, memory, missing} {
		if a := check(l, n); a != nil {
			list = append(list, *a)
		}
	}
	return list
}

func descriptors(l Limits, n Need) *Advice {
	need := Ceil(n.Peers, n.Workers) + ownDescriptors
	if l.Descriptors == 0 || need <= l.Descriptors {
		return nil
	}
	workers := WorkersFor(l, n.Peers)
	do := fmt.Sprintf("ulimit -n %d, or --workers %d", need, workers)
	if workers == 0 { // the limit leaves nothing for peers
		do = fmt.Sprintf("ulimit -n %d", need)
	}
	return &Advice{"descriptors", need, l.Descriptors, fmt.Sprintf("%d peers in %d process(es) need %d descriptors each, and the limit (ulimit -n, hard) is %d", n.Peers, n.Workers, need, l.Descriptors), do}
}

func ports(l Limits, n Need) *Advice {
	need, have := n.Peers+n.Closing, n.Sources*usable(l.Ports)
	if l.Ports == 0 || need <= have {
		return nil
	}
	a := &Advice{About: "ports", Need: need, Have: have}
	a.What = fmt.Sprintf("%d open connections and %d that have just closed need a port each; %d source address(es) have %d (net.ipv4.ip_local_port_range, less a tenth)", n.Peers, n.Closing, n.Sources, have)
	a.Do = fmt.Sprintf("--source with %d addresses of this machine, or sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"", SourcesFor(l, n))
	return a
}

func conntrack(l Limits, n Need) *Advice {
	need := n.Peers + n.Closing
	if l.Conntrack == 0 || need <= l.Conntrack {
		return nil
	}
	return &Advice{"conntrack", need, l.Conntrack, fmt.Sprintf("the firewall can track %d more connections, and the run makes %d", l.Conntrack, need),
		fmt.Sprintf("sysctl -w net.netfilter.nf_conntrack_max=$(($(cat /proc/sys/net/netfilter/nf_conntrack_max) + %d))", need-l.Conntrack+conntrackChange)}
}

func memory(l Limits, n Need) *Advice {
	need := n.Peers*peerBytes + n.Workers*ownBytes
	if l.Memory == 0 || need <= l.Memory {
		return nil
	}
	return &Advice{"memory", need, l.Memory, fmt.Sprintf("%d peers need about %d MB, and %d MB are available", n.Peers, need>>20, l.Memory>>20),
		fmt.Sprintf("--peers %d, or loadgen agent on a second machine", max(0, l.Memory-n.Workers*ownBytes)/peerBytes)}
}

func missing(l Limits, _ Need) *Advice {
	if len(l.Missing) == 0 {
		return nil
	}
	return &Advice{"source addresses", int64(len(l.Missing)), 0, fmt.Sprintf("%s and %d more are not addresses of this machine", l.Missing[0], len(l.Missing)-1),
		fmt.Sprintf("ip address add %s dev eth0, with the interface that leads to the target", l.Missing[0])}
}

// usable returns how many of the ports of an address a run may use.
func usable(ports int64) int64 { return ports - ports/portReserve }

// SourcesFor returns how many source addresses a run needs, at least 1.
func SourcesFor(l Limits, n Need) int {
	if l.Ports == 0 {
		return 1
	}
	return int(max(1, Ceil(n.Peers+n.Closing, usable(l.Ports))))
}

// WorkersFor returns how many processes the peers need, at least 1. It returns 0 if no
// number suffices.
func WorkersFor(l Limits, peers int64) int {
	switch {
	case l.Descriptors == 0:
		return 1
	case l.Descriptors <= ownDescriptors:
		return 0
	}
	return int(max(1, Ceil(peers, l.Descriptors-ownDescriptors)))
}

// MostPeers returns how many peers, at most those of n, one process can have within the limits.
// If no sources are given, a loopback target gets as many as it needs, and any other one.
func MostPeers(l Limits, n Need, sources int) int64 {
	return int64(sort.Search(int(n.Peers), func(i int) bool {
		few := Need{Peers: int64(i) + 1, Closing: min(n.Closing, int64(i)+1), Sources: int64(max(1, sources)), Workers: 1}
		if sources == 0 && n.Loopback {
			few.Sources = int64(SourcesFor(l, few))
		}
		return len(Check(l, few)) > 0
	}))
}

func Ceil(n, by int64) int64 { return (n + by - 1) / by }
