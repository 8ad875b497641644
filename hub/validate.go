package hub

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Validate checks c after WithDefaults. The error names every invalid field, in a
// fixed order. New calls it.
func (c Config) Validate() error {
	c = c.WithDefaults()
	var p problems
	p.rate("MessageRate", c.MessageRate)
	p.rate("AnnounceRate", c.AnnounceRate)
	p.rate("AddressRate", c.AddressRate)
	p.atLeast(1, "MaxConnections", int64(c.MaxConnections))
	p.atLeast(0, "TokenSessions", int64(c.TokenSessions))
	p.atLeast(0, "NetworkSessions", int64(c.NetworkSessions))
	p.atLeast(1, "MaxMessageBytes", c.MaxMessageBytes)
	p.atLeast(2, "MaxAnnounceBytes", int64(c.MaxAnnounceBytes))
	p.atLeast(1, "MessageBurst", int64(c.MessageBurst))
	p.atLeast(1, "AnnounceBurst", int64(c.AnnounceBurst))
	p.atLeast(1, "AddressBurst", int64(c.AddressBurst))
	p.atLeast(4096, "QueueBytes", int64(c.QueueBytes))
	p.atLeast(4096, "QueueBytesTotal", c.QueueBytesTotal)
	p.atLeast(4096, "ReadBytesTotal", c.ReadBytesTotal)
	p.atLeast(1, "Memory.RSSWarn", c.Memory.RSSWarn)
	p.atLeast(1, "Memory.HeapCollect", c.Memory.HeapCollect)
	p.atLeast(0, "Memory.Limit", c.Memory.Limit)
	p.atLeast(1, "MaxSubscriptions", int64(c.MaxSubscriptions))
	p.duration("ProbeTimeout", c.ProbeTimeout)
	p.duration("RetryAfter", c.RetryAfter)
	p.duration("FirstMessageTimeout", c.FirstMessageTimeout)
	p.duration("MessageTimeout", c.MessageTimeout)
	p.duration("WriteTimeout", c.WriteTimeout)
	p.duration("PingInterval", c.PingInterval)
	p.duration("PongTimeout", c.PongTimeout)
	p.duration("CloseTimeout", c.CloseTimeout)
	if c.ParkAfter >= 0 {
		p.duration("ParkAfter", c.ParkAfter)
	}
	p.duration("Memory.Sample", c.Memory.Sample)
	if c.Memory.Interval >= 0 && c.Memory.Interval < 10*time.Millisecond {
		p.add("Memory.Interval is %v, must be at least 10ms, or negative", c.Memory.Interval)
	}
	if c.Memory.LeakPeriod >= 0 {
		p.duration("Memory.LeakPeriod", c.Memory.LeakPeriod)
	}
	if c.MeshNamespace == wire.DefaultNetwork {
		p.add("MeshNamespace is %q, the network of peers that name none", c.MeshNamespace)
	}
	if !slices.Contains([]int{1000, 1001, 1012, 1013}, c.DrainCloseCode) {
		p.add("DrainCloseCode is %d, must be 1000, 1001, 1012 or 1013", c.DrainCloseCode)
	}
	for i, t := range c.AuthTokens {
		if t.Token == "" {
			p.add("AuthTokens[%d] is empty", i)
		}
	}
	for _, id := range c.HubPeerIDs {
		if !id.Valid() {
			p.add("HubPeerIDs holds %.50q, which is not 40 hexadecimal digits", id)
		}
	}
	if _, err := newClientAddresses(c.TrustedProxies, c.AddressHeader); err != nil {
		p = append(p, err)
	}
	return errors.Join(p...)
}

// problems are the errors of a Config.
type problems []error

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

func (p *problems) atLeast(low int64, name string, value int64) {
	if value < low {
		p.add("%s is %d, must be at least %d", name, value, low)
	}
}

func (p *problems) duration(name string, d time.Duration) {
	if d < time.Millisecond {
		p.add("%s is %v, must be at least 1ms", name, d)
	}
}

func (p *problems) rate(name string, value float64) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		p.add("%s is %v, must be a number", name, value)
	}
}
