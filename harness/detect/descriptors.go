package detect

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect/internal/planted"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/source"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Descriptors finds descriptors left open, in this process or another, by kind and
// state of socket, with the addresses of the other ends. Linux only.
//
// In this process it must read before the first forced collection, for that closes
// what was forgotten and hides the leak: a Reading that has collected already is
// refused. While it reads, no collection starts by itself; what one in the middle
// of a cycle has closed is for Unclosed to find. The runtime's own epoll and eventfd do not count, nor does what the
// reading itself opens; idle connections of http.DefaultClient are closed first.
//
// A descriptor is new if its number did not lead to the same socket, pipe or file
// at the baseline; a kind is reported if there are more of it than then, so that
// one opened for another closed is none. Nobody knows where it was opened; if Roots
// are set, and Accepted does not know it, it is supposed that a system call of their
// packages did, if the source has one. Sockets
// that the kernel still has without a descriptor (TIME_WAIT, FIN_WAIT) are not
// seen, nor is memory that is mapped.
//
// The zero value reads this process.
type Descriptors struct {
	// PID is the process to read; 0 is this one. It takes the right to see it.
	PID int
	// Ignore says of further descriptors that they do not count.
	Ignore func(Descriptor) bool
	// Grace is how long a reading waits for the last ones to be closed while
	// their number changes; default 1s.
	Grace time.Duration
	// Accepted watches the listener of the target, if set: of a socket that the peer
	// has broken the kernel knows no address any more.
	Accepted *Accepted
	// Label says of a connection that was accepted from an address which scenario it is
	// of, "" if it does not know.
	Label func(address string, accepted time.Time) string
	// Roots are pointers to the state of the target, as of Census, to find its source.
	Roots map[string]any

	base   map[string][]Descriptor // by kind
	cycles []map[string][]Descriptor
}

// Descriptor is an open file descriptor.
type Descriptor struct {
	FD     int
	Kind   string // tcp, "tcp listener", udp, unix, "unix listener", socket (of another family), pipe, file, anon_inode:[...]
	Link   string // what it leads to: socket:[1234], pipe:[5678], /a/path
	State  string // of a TCP or Unix socket: ESTABLISHED, CLOSE_WAIT, ...
	Local  string // of a TCP, UDP or Unix socket
	Remote string

	accepted time.Time // by a listener that is watched
}

// String returns the descriptor on one line.
func (d Descriptor) String() string {
	s := fmt.Sprintf("fd %d %s %s", d.FD, d.Kind, cmp.Or(d.State, d.Link))
	if d.Local != "" {
		s += " " + d.Local
	}
	if d.Remote != "" {
		s += " <- " + d.Remote
	}
	return s
}

// Name implements Detector.
func (d *Descriptors) Name() string { return "descriptors" }

// Unit implements Detector.
func (d *Descriptors) Unit() string { return "descriptor" }

// Noise implements Detector.
func (d *Descriptors) Noise() float64 { return 0 }

// Plant implements Controlled by a file that stays open.
func (d *Descriptors) Plant(func(context.Context) (func(), error)) Plant {
	var kept *os.File
	return Plant{
		Grow: func(_ int64, last bool) (err error) {
			if last {
				kept, err = planted.File()
			}
			return err
		},
		Remove: func() { kept.Close() },
		Is:     func(f verdict.Finding) bool { return strings.Contains(f.Detail, " "+os.DevNull) },
	}
}

// Attribute implements Attributed.
func (d *Descriptors) Attribute(a Attribution) {
	d.Accepted, d.Label = a.Accepted, a.Label
	if a.Roots != nil {
		d.Roots = a.Roots
	}
}

// Baseline lists the open descriptors.
func (d *Descriptors) Baseline(_ context.Context, r *Reading) error {
	if err := d.inOrder(r); err != nil {
		return err
	}
	base, err := d.read()
	if err != nil {
		return err
	}
	d.base, d.cycles = base, nil
	return nil
}

// Cycle lists them when their number changes no more.
func (d *Descriptors) Cycle(ctx context.Context, r *Reading) error {
	if d.base == nil {
		return ErrNoBaseline
	}
	if err := d.inOrder(r); err != nil {
		return err
	}
	grace := d.Grace
	if grace <= 0 {
		grace = time.Second
	}
	if d.PID == 0 {
		// What we allocate while we wait must not start a collection.
		defer debug.SetGCPercent(debug.SetGCPercent(-1))
	}
	var now map[string][]Descriptor
	err := settle.Flat(ctx, grace, func() (left int64, err error) {
		now, err = d.read()
		for kind := range now {
			left += int64(max(0, len(now[kind])-len(d.base[kind])))
		}
		return left, err
	})
	if err != nil {
		return err
	}
	d.cycles = append(d.cycles, now)
	return nil
}

// Recount lists the descriptors of the last cycle again.
func (d *Descriptors) Recount() error {
	if len(d.cycles) == 0 {
		return nil
	}
	now, err := d.read()
	d.cycles[len(d.cycles)-1] = now
	return err
}

// Findings returns a finding for each kind and state of which there were more at
// the end of the last cycle than at the baseline.
func (d *Descriptors) Findings(context.Context) ([]verdict.Finding, error) {
	if len(d.cycles) == 0 {
		return nil, ErrNoCycle
	}
	now := d.cycles[len(d.cycles)-1]
	var findings []verdict.Finding
	for _, kind := range slices.Sorted(maps.Keys(now)) {
		if n := len(now[kind]) - len(d.base[kind]); n > 0 {
			findings = append(findings, d.findings(kind, n, newDescriptors(now[kind], d.base[kind]))...)
		}
	}
	return findings, nil
}

func (d *Descriptors) inOrder(r *Reading) error {
	if d.PID == 0 && r.collected {
		return ErrCollected
	}
	return nil
}

func (d *Descriptors) read() (map[string][]Descriptor, error) {
	closeIdle()
	all, err := ReadDescriptors(d.PID)
	if err != nil {
		return nil, err
	}
	byKind := map[string][]Descriptor{}
	remotes := d.Accepted.remotes()
	for _, fd := range all {
		if from, ok := remotes[fd.FD]; ok && (fd.Remote == "" && fd.Kind == "socket" || fd.Remote == from.address) {
			fd.Remote, fd.accepted = from.address, from.at
		}
		if d.Ignore == nil || !d.Ignore(fd) {
			byKind[fd.Kind] = append(byKind[fd.Kind], fd)
		}
	}
	return byKind, nil
}

// newDescriptors returns those that were not there at the baseline.
func newDescriptors(now, base []Descriptor) []Descriptor {
	type id struct {
		fd   int
		link string
	}
	old := map[id]bool{}
	for _, d := range base {
		old[id{d.FD, d.Link}] = true
	}
	return slices.DeleteFunc(slices.Clone(now), func(d Descriptor) bool { return old[id{d.FD, d.Link}] })
}

// mostAddresses is how many descriptors the detail of a finding lists.
const mostAddresses = 10

// findings makes a finding for each state of the new ones of a kind, n in all,
// the most frequent first.
func (d *Descriptors) findings(kind string, n int, fresh []Descriptor) []verdict.Finding {
	byState := map[string][]Descriptor{}
	for _, fd := range fresh {
		byState[fd.State] = append(byState[fd.State], fd)
	}
	states := slices.SortedFunc(maps.Keys(byState), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(byState[b]), len(byState[a])), cmp.Compare(a, b))
	})
	var findings []verdict.Finding
	for _, state := range states {
		count := min(n, len(byState[state]))
		if n -= count; count == 0 {
			break
		}
		f := verdict.Finding{
			Detector: d.Name(), Class: verdict.Descriptor, Type: strings.TrimSpace(kind + " " + state), Count: int64(count),
		}
		var lines []string
		f.PerScenario = byLabel(remotesOf(byState[state]), d.Label, f.Count)
		for _, fd := range byState[state][:min(mostAddresses, len(byState[state]))] {
			lines = append(lines, fd.String())
		}
		f.Detail = strings.Join(lines, "\n")
		if !slices.ContainsFunc(byState[state], func(fd Descriptor) bool { return !fd.accepted.IsZero() }) {
			d.supposeOpened(&f, kind)
		}
		if len(states) == 1 {
			f.PerCycle = d.perCycle(kind)
		}
		findings = append(findings, f)
	}
	return findings
}

// remotesOf returns the other ends of sockets. Of those that no listener of ours has
// accepted the last who had the address is meant.
func remotesOf(fds []Descriptor) []acceptedFrom {
	var from []acceptedFrom
	for _, fd := range fds {
		f := acceptedFrom{fd.Remote, fd.accepted}
		if f.at.IsZero() {
			f.at = time.Now()
		}
		from = append(from, f)
	}
	return from
}

// supposeOpened names the system calls that can have opened what neither net nor os
// knows of.
func (d *Descriptors) supposeOpened(f *verdict.Finding, kind string) {
	if calls := source.Opens(d.Roots, kind); len(calls) > 0 {
		f.Born = calls[0]
		f.Detail += "\n" + strings.TrimPrefix(source.ListPlaces("; perhaps opened at ", calls), "; ")
	}
}

func (d *Descriptors) perCycle(kind string) []int64 {
	var growth []int64
	before := len(d.base[kind])
	for _, c := range d.cycles {
		growth = append(growth, int64(len(c[kind])-before))
		before = len(c[kind])
	}
	return growth
}
