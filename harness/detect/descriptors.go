package detect

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect/internal/planted"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/source"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Descriptors finds open descriptors of this process by kind and socket state, with the remote
// addresses of sockets. Linux only. Its rules and limits are in the package documentation.
//
// The zero value is ready to use.
type Descriptors struct {
	// Ignore reports whether a descriptor does not count.
	Ignore func(Descriptor) bool
	// Grace is how long a reading waits for further descriptors to be closed while their
	// number changes; default 1s.
	Grace time.Duration
	// Accepted watches the listener of the target, if set. It knows the remote address of a
	// socket that the peer has reset, which the kernel no longer does.
	Accepted *Accepted
	// Label returns the scenario of a connection by its remote address and the time of its
	// accept, "" if it is unknown.
	Label func(address string, accepted time.Time) string
	// Roots are pointers to the state of the target, as of Census. Their packages are
	// searched for system calls that open descriptors.
	Roots map[string]any

	base    map[string][]Descriptor // by kind
	cycles  []map[string][]Descriptor
	dropped []Descriptor // see FindDropped
	brief   bool         // leave out the lines that can have opened them
}

// Descriptor is an open file descriptor.
type Descriptor struct {
	FD     int
	Kind   string // tcp, "tcp listener", udp, unix, "unix listener", socket (another family), pipe, file, anon_inode:[...]
	Link   string // socket:[1234], pipe:[5678], /a/path
	State  string // of a TCP or Unix socket: ESTABLISHED, CLOSE_WAIT, ...
	Local  string // of a TCP, UDP or Unix socket
	Remote string

	accepted time.Time // by Descriptors.Accepted
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

// Plant implements Controlled with a file that stays open.
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

// Shorten implements Brief with a shorter Grace. It leaves out lines.
func (d *Descriptors) Shorten(grace time.Duration) (restore func()) {
	before := d.Grace
	d.Grace, d.brief = grace, true
	return func() { d.Grace, d.brief = before, false }
}

// Attribute implements Attributed.
func (d *Descriptors) Attribute(a Attribution) {
	d.Accepted, d.Label = a.Accepted, a.Label
	if a.Roots != nil {
		d.Roots = a.Roots
	}
}

// Baseline lists the descriptors that are open in both of two looks: a file that is read just now
// would hide one that stays.
func (d *Descriptors) Baseline(ctx context.Context, r *Reading) error {
	if err := d.checkOrder(r); err != nil {
		return err
	}
	d.base = nil
	base, err := d.read()
	if err != nil {
		return err
	}
	settle.Pause(ctx, baselineAgain)
	again, err := d.read()
	if err != nil {
		return err
	}
	still := map[descriptorID]bool{}
	for _, open := range again {
		for _, fd := range open {
			still[fd.id()] = true
		}
	}
	for kind, open := range base {
		base[kind] = slices.DeleteFunc(open, func(fd Descriptor) bool { return !still[fd.id()] })
	}
	d.base, d.cycles, d.dropped = base, nil, nil
	return nil
}

// baselineAgain is the time between the two looks of a baseline, in which a file of /proc is read and
// closed.
const baselineAgain = 5 * time.Millisecond

// Cycle lists the open descriptors once their number no longer changes.
func (d *Descriptors) Cycle(ctx context.Context, r *Reading) error {
	if d.base == nil {
		return ErrNoBaseline
	}
	if err := d.checkOrder(r); err != nil {
		return err
	}
	grace := d.Grace
	if grace <= 0 {
		grace = time.Second
	}
	// Allocations of the wait must not start a GC.
	defer HoldGC()()
	var now map[string][]Descriptor
	err := settle.Flat(ctx, grace, func() (left int64, err error) {
		now, err = d.read()
		return d.beyond(now), err
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
	findings := d.droppedFindings()
	for _, kind := range slices.Sorted(maps.Keys(now)) {
		if n := len(now[kind]) - len(d.base[kind]); n > 0 {
			findings = append(findings, d.findings(kind, n, newDescriptors(now[kind], d.base[kind]))...)
		}
	}
	return findings, nil
}

func (d *Descriptors) checkOrder(r *Reading) error {
	if r.forced {
		return ErrCollected
	}
	return nil
}

func (d *Descriptors) read() (map[string][]Descriptor, error) {
	closeIdle()
	all, err := listDescriptors()
	if err != nil {
		return nil, err
	}
	if still, ok := d.unchanged(all); ok {
		return still, nil
	}
	if err := addTables(all); err != nil {
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

// newDescriptors returns the descriptors that were not open at the baseline.
func newDescriptors(now, base []Descriptor) []Descriptor {
	old := map[descriptorID]bool{}
	for _, d := range base {
		old[d.id()] = true
	}
	return slices.DeleteFunc(slices.Clone(now), func(d Descriptor) bool { return old[d.id()] })
}

// addPossibleOpens adds the system calls that can have opened descriptors that neither net nor
// os holds.
func (d *Descriptors) addPossibleOpens(f *verdict.Finding, kind string) {
	if calls := source.Opens(d.Roots, kind); len(calls) > 0 {
		f.Born = calls[0]
		f.Detail += "\n" + strings.TrimPrefix(source.ListPlaces("; perhaps opened at ", calls), "; ")
	}
}

func (d *Descriptors) growth(kind string) []int64 {
	return perCycle(d.base, d.cycles, func(open map[string][]Descriptor) int64 { return int64(len(open[kind])) })
}
