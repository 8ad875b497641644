package harness

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// id returns the id of a peer. It consists of scenario, cycle and index, and of digits that depend
// on the seed, by which Label recognises ids of this crowd. The last digit is free for scenarios
// in which a peer has another one beside it.
func (c *Crowd) id(scenario, cycle, index int) wire.PeerID {
	var b [wire.PeerIDLen / 2]byte
	binary.BigEndian.PutUint16(b[0:], uint16(scenario))
	binary.BigEndian.PutUint16(b[2:], uint16(cycle))
	binary.BigEndian.PutUint32(b[4:], uint32(index))
	sum := fnv.New64a()
	binary.Write(sum, binary.BigEndian, c.Seed)
	sum.Write(b[:8])
	mixed := rand.NewPCG(sum.Sum64(), c.Seed)
	binary.BigEndian.PutUint64(b[8:], mixed.Uint64())
	binary.BigEndian.PutUint32(b[16:], uint32(mixed.Uint64()))
	return wire.PeerID(hex.EncodeToString(b[:])[:wire.PeerIDLen-1] + "0")
}

// Label returns the scenario of a peer by its id, and which peer it is, as a label of
// detect.Watch: "rst/17 of cycle 2". It returns "" for an id of another crowd.
func (c *Crowd) Label(id wire.PeerID) string {
	id = id[max(0, len(id)-wire.PeerIDLen):] // see liveBadID
	b, err := hex.DecodeString(string(id))
	if err != nil || len(b) != wire.PeerIDLen/2 {
		return ""
	}
	scenario, cycle, index := int(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:])), int(binary.BigEndian.Uint32(b[4:]))
	if scenario >= len(c.Scenarios) || c.id(scenario, cycle, index)[:wire.PeerIDLen-1] != id[:wire.PeerIDLen-1] {
		return ""
	}
	return fmt.Sprintf("%s/%d of cycle %d", c.Scenarios[scenario].Name, index, cycle)
}

// IsResident reports whether an id is that of a resident of this crowd.
func (c *Crowd) IsResident(id wire.PeerID) bool {
	for i, s := range c.Scenarios {
		for n := range s.Residents {
			if c.id(i, 0, n) == id {
				return true
			}
		}
	}
	return false
}

// DialledBy returns the scenario of a connection by its remote address and the time of its accept,
// "" if no peer dialled from there. Ports are reused, so it goes by the last dial that began
// before. It is for Descriptors.Label and Unclosed.Label.
func (c *Crowd) DialledBy(address string, accepted time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range slices.Backward(c.addresses[address]) {
		if !d.began.After(accepted) {
			return d.scenario
		}
	}
	return ""
}

// ScenarioOf returns the scenario of a text, "" if it has none. The text must contain the id of a
// peer of this crowd, or begin with the name of a peer or of its network or quote one, or be an
// address that a peer dialled from. It is for Census.Label and similar fields.
func (c *Crowd) ScenarioOf(text string) string {
	if scenario := c.DialledBy(text, time.Now()); scenario != "" {
		return scenario
	}
	for _, digits := range peerIDs.FindAllString(text, -1) {
		if scenario, _, ok := strings.Cut(c.Label(wire.PeerID(digits)), "/"); ok {
			return scenario
		}
	}
	if home := homes.FindStringSubmatch(text); home != nil {
		if slices.ContainsFunc(c.Scenarios, func(s Scenario) bool { return s.Name == home[1] }) {
			return home[1]
		}
	}
	return ""
}

var (
	peerIDs = regexp.MustCompile(`[0-9a-f]{40}`)
	homes   = regexp.MustCompile(`(?:^|")([a-z-]+)(?:-\d+-\d+(?:$|[^0-9a-z])| \d+ of cycle \d+)`) // and names: see live
)
