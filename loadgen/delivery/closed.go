package delivery

// closed holds the flows that were closed last. A message of a closed flow may still
// arrive, late or at the wrong peer.
type closed struct {
	flows  map[uint64]*flow
	most   int
	order  []uint64 // their numbers, in a ring once there are most
	oldest int      // index of the oldest number in the ring

	forgotten map[*int64]int64 // missing messages of all other flows, by the total that counts them
}

// maxClosed bounds the closed flows that a ledger remembers, to about 15 MB. A late
// message of a forgotten flow counts as delivered while messages of forgotten flows are
// missing, and as a duplicate afterwards.
const maxClosed = 1 << 16

func (c *closed) add(f *flow) {
	c.flows[f.number] = f
	if len(c.order) < c.most {
		c.order = append(c.order, f.number)
		return
	}
	old := c.flows[c.order[c.oldest]]
	c.forgotten[old.missing] += old.underWay()
	delete(c.flows, old.number)
	c.order[c.oldest] = f.number
	c.oldest = (c.oldest + 1) % c.most
}

// takeBack removes one message of a forgotten flow from the missing ones. It reports
// whether one was left.
func (c *closed) takeBack() bool {
	for missing, n := range c.forgotten {
		if n > 0 {
			c.forgotten[missing]--
			*missing--
			return true
		}
	}
	return false
}
