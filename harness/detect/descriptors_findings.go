package detect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// mostAddresses is how many descriptors the detail of a finding lists.
const mostAddresses = 10

// listed returns a line for each of the first descriptors. Those of one file or socket are one line.
func listed(fds []Descriptor) (lines []string) {
	number, of := map[Descriptor]int{}, []Descriptor{}
	for _, fd := range fds {
		same := fd
		same.FD, same.accepted = 0, time.Time{}
		if number[same]++; number[same] == 1 {
			of = append(of, fd)
		}
	}
	for _, fd := range of[:min(mostAddresses, len(of))] {
		line := fd.String()
		fd.FD, fd.accepted = 0, time.Time{}
		if n := number[fd]; n > 1 {
			line += fmt.Sprintf(" and %d more of it", n-1)
		}
		lines = append(lines, line)
	}
	return lines
}

// findings returns a finding for each socket state of n new descriptors of a kind, the most
// frequent first.
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
		f.PerScenario = byLabel(remotesOf(byState[state]), d.Label, f.Count)
		f.Detail = strings.Join(listed(byState[state]), "\n")
		if !d.brief && !slices.ContainsFunc(byState[state], func(fd Descriptor) bool { return !fd.accepted.IsZero() }) {
			d.addPossibleOpens(&f, kind)
		}
		if len(states) == 1 {
			f.PerCycle = d.growth(kind)
		}
		findings = append(findings, f)
	}
	return findings
}

// remotesOf returns the remote ends of sockets. A socket that Accepted has not seen gets the
// present time, so that it is attributed to the last peer that dialled from the address.
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
