package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/settle"
)

// readIdleGauges reads the gauges of the target at rest.
func (c *Campaign) readIdleGauges(ctx context.Context) error {
	target, ok := c.Crowd.Target.(Inspector)
	if !ok {
		return nil
	}
	idle, err := detect.LeastGauges(ctx, target)
	if err != nil {
		return fmt.Errorf("campaign: gauges: %w", err)
	}
	c.idle = idle
	return nil
}

// settle waits until the target is at rest again, or until its excess no longer changes. The
// detectors report that.
func (c *Campaign) settle(ctx context.Context) {
	patience := c.Patience
	if patience <= 0 {
		patience = 10 * time.Second
	}
	_ = settle.Flat(ctx, patience, func() (left int64, err error) {
		if c.busy() != nil {
			left = c.excess() + 1
		}
		return left, nil
	})
}

// busy returns why the target is not at rest, nil if it is.
func (c *Campaign) busy() error {
	if n := c.excess(); n > 0 {
		return fmt.Errorf("the gauges are %d above those of the idle target", n)
	}
	if c.Quiet != nil {
		return c.Quiet()
	}
	return nil
}

// excess returns the sum by which gauges are above those of the idle target.
func (c *Campaign) excess() (n int64) {
	if c.idle == nil {
		return 0
	}
	now, err := c.Crowd.Target.(Inspector).Gauges()
	if err != nil {
		return 1 // detect.Gauges reports the error
	}
	for name, v := range now {
		n += max(0, int64(v-c.idle[name]))
	}
	return n
}
