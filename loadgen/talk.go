package loadgen

import (
	"sync"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// talk is what a peer has said to a target that does not relay by peer ids, and what
// came back. It is in the books as messages of the peer to itself.
type talk struct {
	codec *codec.Text

	mu     sync.Mutex
	number uint64
	said   []utterance // the last ones, oldest first
}

// utterance is one message.
type utterance struct {
	flow, sequence uint64
	tick           schedule.Tick
	isReply        func([]byte) bool
	answered       bool
}

// maxSaid is how many messages of a peer a reply is looked for. What is older is lost.
const maxSaid = 64

// newTalk returns the talk of a new peer, nil if the codec needs none.
func newTalk(c codec.Codec) *talk {
	if text, ok := c.(*codec.Text); ok {
		return &talk{codec: text}
	}
	return nil
}

// say sends a message of p, whose order is held.
func (k *talk) say(p *Peer, t schedule.Tick) error {
	k.mu.Lock()
	k.number++
	message, isReply := k.codec.Say(p.id, k.number)
	u := utterance{tick: t, isReply: isReply}
	u.flow, u.sequence = p.fleet.ledger.Send(p.id, p.id, "")
	if len(k.said) == maxSaid {
		k.said = append(k.said[:0], k.said[1:]...)
	}
	k.said = append(k.said, u)
	k.mu.Unlock()
	err := p.fleet.send(p, message)
	if err != nil {
		p.fleet.ledger.Unsent(u.flow)
	}
	return err
}

// hear finds the messages that one of the target's answers.
func (k *talk) hear(p *Peer, message []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.said {
		u := &k.said[i]
		if !u.isReply(message) || u.answered && !k.codec.Specific() {
			continue
		}
		if p.fleet.ledger.Deliver(u.flow, u.sequence, p.id, p.id, "") {
			p.fleet.rec.Add(latency.HopReply, u.tick)
		}
		u.answered = true
		if !k.codec.Specific() {
			return // the next one is another's
		}
	}
}
