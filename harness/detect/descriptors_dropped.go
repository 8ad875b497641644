package detect

import (
	"context"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// descriptorID identifies a descriptor. The kernel does not use a link again soon.
type descriptorID struct {
	fd   int
	link string
}

func (d *Descriptor) id() descriptorID { return descriptorID{d.FD, d.Link} }

// Left returns how many more descriptors are open than at the baseline.
func (d *Descriptors) Left() (int64, error) {
	now, err := d.read()
	return d.beyond(now), err
}

func (d *Descriptors) beyond(now map[string][]Descriptor) (left int64) {
	for kind := range now {
		left += int64(max(0, len(now[kind])-len(d.base[kind])))
	}
	return left
}

// unchanged returns the descriptors of the baseline that are still open, and reports whether there
// are no others. The tables of the kernel are not necessary then.
func (d *Descriptors) unchanged(open []Descriptor) (map[string][]Descriptor, bool) {
	if d.base == nil {
		return nil, false
	}
	known := map[descriptorID]Descriptor{}
	for _, list := range d.base {
		for _, fd := range list {
			known[fd.id()] = fd
		}
	}
	still := map[string][]Descriptor{}
	for _, fd := range open {
		was, ok := known[fd.id()]
		if !ok {
			return nil, false
		}
		still[was.Kind] = append(still[was.Kind], was)
	}
	return still, true
}

// FindDropped collects if the last cycle left descriptors, and separates those that the GC closes:
// the program dropped them without Close. It counts exactly the descriptors that were opened since
// the baseline, so it needs no collection before, in contrast to Unclosed. It does not see one that
// the GC closed before the reading.
func (d *Descriptors) FindDropped(ctx context.Context, r *Reading) error {
	if len(d.cycles) == 0 || d.beyond(d.cycles[len(d.cycles)-1]) == 0 {
		return nil
	}
	var fresh []Descriptor
	for kind, now := range d.cycles[len(d.cycles)-1] {
		fresh = append(fresh, newDescriptors(now, d.base[kind])...)
	}
	const ran = "/gc/finalizers/executed:finalizers"
	before := heap.Metric(ran)
	if err := r.Collect(ctx); err != nil {
		return err
	}
	closed := heap.Metric(ran) - before
	if err := d.Recount(); err != nil || closed == 0 {
		return err
	}
	open := map[descriptorID]bool{}
	for _, now := range d.cycles[len(d.cycles)-1] {
		for _, fd := range now {
			open[fd.id()] = true
		}
	}
	d.dropped = slices.DeleteFunc(fresh, func(fd Descriptor) bool { return open[fd.id()] })
	d.dropped = d.dropped[:min(len(d.dropped), int(closed))]
	return nil
}

const droppedDetail = "closed by the GC; with heap.RecordAll in an init function, Unclosed reports which line opened it"

// droppedFindings returns a finding for each kind of dropped descriptor.
func (d *Descriptors) droppedFindings() (findings []verdict.Finding) {
	for _, fd := range d.dropped {
		typ := closerOf(fd.Kind)
		i := slices.IndexFunc(findings, func(f verdict.Finding) bool { return f.Type == typ })
		if i < 0 {
			i = len(findings)
			findings = append(findings, verdict.Finding{Detector: d.Name(), Class: verdict.Unclosed, Type: typ, Detail: droppedDetail})
		}
		f := &findings[i]
		if f.Count++; f.Count <= mostAddresses {
			f.Detail += "\n" + fd.String()
		}
	}
	return findings
}

// closerOf returns the type of the object that was not closed.
func closerOf(kind string) string {
	switch {
	case strings.HasSuffix(kind, "listener"):
		return "net.Listener"
	case kind == "file" || kind == "pipe":
		return "*os.File"
	}
	return "net.Conn"
}
