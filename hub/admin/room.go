package admin

import (
	"slices"

	"github.com/pigeonhub/pigeonhub/hub"
)

// peerBytes is the memory of a connected peer: 10 KiB in the process and 4 KiB for its socket in
// the kernel, see the sizing table of the operator's guide.
const peerBytes = 14 << 10

// room is how many more peers fit.
type room struct {
	Peers int64  // at most this many
	Bound string // what they fill first
	Rows  []roomRow
}

type roomRow struct {
	Name, InUse, Limit string
	Peers              int64 // that fit
}

// roomOf estimates the room from the bounds that each peer uses up.
func roomOf(st hub.Stats) (r room) {
	r.Rows = append(r.Rows, roomRow{
		"connections", countText(int64(st.Admitted)), countText(int64(st.MaxConnections)), int64(max(0, st.MaxConnections-st.Admitted)),
	})
	if m := st.Memory; m.Limit > 0 {
		usable := m.Limit / 100 * refusedAbovePercent
		r.Rows = append(r.Rows, roomRow{"memory", bytesText(m.RSS), bytesText(usable), max(0, usable-m.RSS) / peerBytes})
	}
	least := slices.MinFunc(r.Rows, func(a, b roomRow) int { return int(a.Peers - b.Peers) })
	r.Peers, r.Bound = least.Peers, least.Name
	return r
}

// refusedAbovePercent is the share of the memory limit above which the hub refuses peers.
const refusedAbovePercent = 90
