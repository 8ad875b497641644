package detect

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect/internal/planted"
	"github.com/pigeonhub/pigeonhub/harness/source"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Mapped finds memory outside of the Go heap that stays mapped, anonymous or of a file. It counts
// pages. Its rules and limits are in the package documentation.
//
// The zero value is ready to use.
type Mapped struct {
	// Roots are pointers to the state of the target, as of Census. Their packages are searched
	// for system calls that map memory.
	Roots map[string]any

	base   pages
	cycles []pages
	doses  []int64 // of the cycles before the trials
	brief  bool    // leave out the lines that can have mapped it
}

// pages has the number of mapped pages of each file, and of all anonymous memory.
type pages map[string]int64

const anonymous = "anonymous"

// Name implements Detector.
func (m *Mapped) Name() string { return "mapped" }

// Unit implements Detector.
func (m *Mapped) Unit() string { return "page" }

// Noise implements Detector.
func (m *Mapped) Noise() float64 { return verdict.SiteGate - 1 }

// Off implements Optional.
func (m *Mapped) Off() (why, do string) { return mappedOff() }

// Plant implements Controlled with pages that are mapped for each reading.
func (m *Mapped) Plant(func(context.Context) (func(), error)) Plant {
	var kept [][]byte
	return Plant{
		Grow: func(dose int64, _ bool) error {
			b, err := planted.Pages(dose)
			kept = append(kept, b)
			return err
		},
		Remove: func() {
			for _, b := range kept {
				planted.Unmap(b)
			}
		},
		Is: func(f verdict.Finding) bool {
			return f.Type == anonymous && slices.EqualFunc(f.PerCycle, kept, func(n int64, b []byte) bool {
				made := int64(len(b) / os.Getpagesize())
				return made-verdict.SiteGate < n && n < 2*made // the target may leak, too
			})
		},
	}
}

// Shorten implements Brief. It leaves out lines.
func (m *Mapped) Shorten(time.Duration) (restore func()) {
	m.brief = true
	return func() { m.brief = false }
}

// Attribute implements Attributed.
func (m *Mapped) Attribute(a Attribution) {
	if a.Roots != nil {
		m.Roots = a.Roots
	}
}

// Baseline counts the pages.
func (m *Mapped) Baseline(context.Context, *Reading) error {
	base, err := mappedPages()
	m.base, m.cycles, m.doses = base, nil, nil
	return err
}

// Cycle counts the pages again.
func (m *Mapped) Cycle(_ context.Context, r *Reading) error {
	if m.base == nil {
		return ErrNoBaseline
	}
	now, err := mappedPages()
	if err != nil {
		return err
	}
	if m.cycles = append(m.cycles, now); !r.Trial {
		m.doses = append(m.doses, r.Dose)
	}
	return nil
}

// Findings returns a finding for each file whose mappings keep growing, and one for anonymous
// memory if that does. It needs two cycles, better three.
func (m *Mapped) Findings(context.Context) ([]verdict.Finding, error) {
	if len(m.cycles) == 0 {
		return nil, ErrNoCycle
	}
	var findings []verdict.Finding
	for _, of := range slices.Sorted(maps.Keys(m.cycles[len(m.cycles)-1])) {
		growth := perCycle(m.base, m.cycles, func(p pages) int64 { return p[of] })
		why := m.leaks(growth[:len(m.doses)])
		if why == "" {
			continue
		}
		n := sum(growth)
		f := verdict.Finding{
			Detector: m.Name(), Class: verdict.Mapping, Type: of, Count: n, Bytes: n * int64(os.Getpagesize()), PerCycle: growth,
			Detail: fmt.Sprintf("%s pages of %d bytes, outside of the Go heap", why, os.Getpagesize()),
		}
		if calls := m.calls(); len(calls) > 0 {
			f.Born = calls[0]
			f.Detail += "\n" + strings.TrimPrefix(source.ListPlaces("; perhaps mapped at ", calls), "; ")
		}
		findings = append(findings, f)
	}
	return findings, nil
}

// leaks returns why growth is a leak, "" if it is none. Two cycles are enough if each has at least a
// page for each peer.
func (m *Mapped) leaks(growth []int64) (why string) {
	growth = slices.Clone(growth)
	aPageEach := len(growth) == 2
	for i, dose := range m.doses {
		aPageEach = aPageEach && dose > 2*verdict.SiteGate && growth[i] > dose-verdict.SiteGate
		if near := (growth[i] + dose/2) / max(1, dose) * dose; dose > 2*verdict.SiteGate && distance(growth[i], near) < verdict.SiteGate {
			growth[i] = near // a page or two are the runtime's
		}
	}
	if why, _ = verdict.SiteGrowth(growth, m.doses); why == "" && aPageEach {
		why = verdict.PerDose(growth, m.doses)
	}
	return why
}

// calls returns the system calls that can have mapped memory.
func (m *Mapped) calls() []verdict.Site {
	if m.brief {
		return nil
	}
	return source.Opens(m.Roots, "memory")
}
