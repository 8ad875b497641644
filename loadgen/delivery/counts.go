package delivery

import (
	"fmt"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Counts says what became of all messages from peer to peer.
type Counts struct {
	Sent       int64 `json:"sent"`
	Delivered  int64 `json:"delivered"` // arrived at their receivers, each counted once
	Explained  int64 `json:"explained"` // not delivered, because the sender or the receiver had left
	Lost       int64 `json:"lost"`      // not delivered, without an explanation
	Duplicated int64 `json:"duplicated"`
	Reordered  int64 `json:"reordered"`  // delivered after a message that was sent later
	Misrouted  int64 `json:"misrouted"`  // arrived at another peer, with another sender or in another network
	Unexpected int64 `json:"unexpected"` // arrived, and no peer of this run sent them
}

// Merge adds the counts of another process.
func (c *Counts) Merge(o Counts) {
	c.Sent += o.Sent
	c.Delivered += o.Delivered
	c.Explained += o.Explained
	c.Lost += o.Lost
	c.Duplicated += o.Duplicated
	c.Reordered += o.Reordered
	c.Misrouted += o.Misrouted
	c.Unexpected += o.Unexpected
}

// Minus returns the counts since the earlier counts o.
func (c Counts) Minus(o Counts) Counts {
	return Counts{
		c.Sent - o.Sent, c.Delivered - o.Delivered, c.Explained - o.Explained, c.Lost - o.Lost,
		c.Duplicated - o.Duplicated, c.Reordered - o.Reordered, c.Misrouted - o.Misrouted, c.Unexpected - o.Unexpected,
	}
}

// Failures returns what no hub may do.
func (c *Counts) Failures() []verdict.Reason {
	if c.Misrouted == 0 {
		return nil
	}
	return []verdict.Reason{{
		About: "deliveries",
		What:  fmt.Sprintf("%d of %d messages reached the wrong peer, or with the wrong sender or network", c.Misrouted, c.Sent),
		Do:    "look at how the target finds the receiver of a message",
	}}
}

// Silence returns a reason if not one message was delivered: the peers and the target do not
// understand each other, or it answers nothing. instead is a message that came, "" for none.
func (c *Counts) Silence(received int64, instead string) []verdict.Reason {
	if c.Sent == 0 || c.Delivered+c.Misrouted > 0 {
		return nil
	}
	came := "nothing came"
	switch {
	case instead != "":
		came = fmt.Sprintf("%d messages came, such as %.100q", received, instead)
	case received > 0:
		came = fmt.Sprintf("%d other messages came", received)
	}
	return []verdict.Reason{{
		About: "deliveries",
		What:  fmt.Sprintf("none of %d messages was delivered, and %s instead", c.Sent, came),
		Do:    "compare --message and --reply with what the target expects and answers, or look in its log",
	}}
}

// Doubts returns what a hub should not do, but may do under stress.
func (c *Counts) Doubts() []verdict.Reason {
	if c.Lost+c.Duplicated+c.Reordered+c.Unexpected == 0 {
		return nil
	}
	return []verdict.Reason{{
		About: "deliveries",
		What: fmt.Sprintf("of %d messages %d were lost, %d were duplicated, %d came out of order, and %d came that no peer had sent",
			c.Sent, c.Lost, c.Duplicated, c.Reordered, c.Unexpected),
		Do: "lower the rate; if it stays, the target loses messages",
	}}
}
