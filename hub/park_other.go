//go:build !linux || nopark

package hub

import "time"

// parks reports whether the hub can park sessions. Here each keeps its goroutine.
const parks = false

// parking has no session.
type parking struct{ hub *Hub }

type spot struct{}

func (p *parking) open()                                   {}
func (p *parking) add(*session, time.Duration) bool        { return false }
func (p *parking) reschedule(*session, time.Duration) bool { return false }
func (p *parking) wake(*session)                           {}
func (p *parking) drain()                                  {}
func (p *parking) counts() (parked, others int)            { return 0, p.hub.gate.count() }
func (p *parking) remake()                                 {}
func (p *parking) check(*check)                            {}
