package loadgen

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Limits are what the machine allows, as far as it tells. A zero is not known, and not
// checked.
type Limits struct {
	Descriptors   int64 `json:"descriptors,omitempty"` // that a process may have open
	Ports         int64 `json:"ports,omitempty"`       // for outgoing connections, of one address to one target
	TimeWaitReuse bool  `json:"time_wait_reuse"`       // ports of connections that have ended serve again after a second, not a minute
	Conntrack     int64 `json:"conntrack,omitempty"`   // connections that the firewall can still track
	Memory        int64 `json:"memory,omitempty"`      // bytes that are available

	Missing []netip.Addr `json:"missing,omitempty"` // source addresses that this machine does not have
}

// Need is what a run takes of one machine.
type Need struct {
	Peers    int64 // connected at once
	Closing  int64 // connections that have ended and may hold their ports still
	Sources  int64 // addresses to connect from; at least 1
	Workers  int64 // processes that share the peers; at least 1
	Loopback bool  // the target is this machine
}

// What a process and a peer take.
const (
	ownDescriptors  = 256      // of a process, beside its peers: pages, pipes, dials that fail
	ownBytes        = 96 << 20 // of a process
	peerBytes       = 16 << 10 // half of it in the kernel
	portReserve     = 10       // one port in so many stays free: the search for the last ones is slow
	conntrackChange = 16 << 10 // how much room to ask for beyond what is needed
	timeWait        = time.Minute
	timeWaitReused  = time.Second
)

// Advice is one thing that does not suffice, and what helps.
type Advice struct {
	About string `json:"about"`
	Need  int64  `json:"need"`
	Have  int64  `json:"have"`
	What  string `json:"what"`
	Do    string `json:"do"`
}

// PreflightError says all that does not suffice for a run, which has not begun.
type PreflightError struct{ List []Advice }

func (e *PreflightError) Error() string {
	var b strings.Builder
	b.WriteString("this machine does not suffice for the run (--ignore-preflight tries all the same)")
	for _, a := range e.List {
		fmt.Fprintf(&b, "\n  %s: %s\n    %s", a.About, a.What, a.Do)
	}
	return b.String()
}

// Preflight compares what a run takes with what a machine allows.
func Preflight(l Limits, n Need) []Advice {
	var list []Advice
	for _, check := range []func(Limits, Need) *Advice{descriptors, ports, conntrack, memory, missing} {
		if a := check(l, n); a != nil {
			list = append(list, *a)
		}
	}
	return list
}

func descriptors(l Limits, n Need) *Advice {
	need := ceil(n.Peers, n.Workers) + ownDescriptors
	if l.Descriptors == 0 || need <= l.Descriptors {
		return nil
	}
	workers := workersFor(l, n.Peers)
	do := fmt.Sprintf("ulimit -n %d, or --workers %d", need, workers)
	if workers == 0 { // a limit that leaves nothing for peers
		do = fmt.Sprintf("ulimit -n %d", need)
	}
	return &Advice{"descriptors", need, l.Descriptors, fmt.Sprintf("%d peers in %d process(es) take %d descriptors each, the limit (ulimit -n, hard) is %d", n.Peers, n.Workers, need, l.Descriptors), do}
}

func ports(l Limits, n Need) *Advice {
	need, have := n.Peers+n.Closing, n.Sources*usable(l.Ports)
	if l.Ports == 0 || need <= have {
		return nil
	}
	a := &Advice{About: "ports", Need: need, Have: have}
	a.What = fmt.Sprintf("%d connections at once and %d that have just ended take a port each; %d source address(es) have %d (net.ipv4.ip_local_port_range, less a tenth)", n.Peers, n.Closing, n.Sources, have)
	a.Do = fmt.Sprintf("--source with %d addresses of this machine, or sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"", sourcesFor(l, n))
	return a
}

func conntrack(l Limits, n Need) *Advice {
	need := n.Peers + n.Closing
	if l.Conntrack == 0 || need <= l.Conntrack {
		return nil
	}
	return &Advice{"conntrack", need, l.Conntrack, fmt.Sprintf("the firewall tracks %d connections more at most, the run makes %d", l.Conntrack, need),
		fmt.Sprintf("sysctl -w net.netfilter.nf_conntrack_max=$(($(cat /proc/sys/net/netfilter/nf_conntrack_max) + %d))", need-l.Conntrack+conntrackChange)}
}

func memory(l Limits, n Need) *Advice {
	need := n.Peers*peerBytes + n.Workers*ownBytes
	if l.Memory == 0 || need <= l.Memory {
		return nil
	}
	return &Advice{"memory", need, l.Memory, fmt.Sprintf("%d peers take about %d MB, %d MB are available", n.Peers, need>>20, l.Memory>>20),
		fmt.Sprintf("--peers %d, or loadgen agent on a second machine", max(0, l.Memory-n.Workers*ownBytes)/peerBytes)}
}

func missing(l Limits, _ Need) *Advice {
	if len(l.Missing) == 0 {
		return nil
	}
	return &Advice{"source addresses", int64(len(l.Missing)), 0, fmt.Sprintf("%s and %d more are no addresses of this machine", l.Missing[0], len(l.Missing)-1),
		fmt.Sprintf("ip address add %s dev eth0, with the interface that leads to the target", l.Missing[0])}
}

// usable is how many ports of one address can be counted on.
func usable(ports int64) int64 { return ports - ports/portReserve }

// sourcesFor returns how many addresses suffice, at least 1.
func sourcesFor(l Limits, n Need) int {
	if l.Ports == 0 {
		return 1
	}
	return int(max(1, ceil(n.Peers+n.Closing, usable(l.Ports))))
}

// workersFor returns how many processes suffice, at least 1; 0 if no number does.
func workersFor(l Limits, peers int64) int {
	switch {
	case l.Descriptors == 0:
		return 1
	case l.Descriptors <= ownDescriptors:
		return 0
	}
	return int(max(1, ceil(peers, l.Descriptors-ownDescriptors)))
}

func ceil(n, by int64) int64 { return (n + by - 1) / by }
