package hub

import (
	"sync/atomic"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// notice is a frame for many receivers. The member that it introduces holds it, and
// the queues in which it waits refer to it; its memory counts once. While a member
// holds it, it counts as announced, else as loose.
type notice struct {
	frame   wire.Notice
	hub     *Hub
	holders atomic.Int64 // the member or maker that holds it, and the refs
}

const noticeHeader = 48 // bytes of a notice beside its frame

func (n *notice) bytes() int64 { return int64(cap(n.frame) + noticeHeader) }

// newNotice returns a notice that the caller holds.
func (h *Hub) newNotice(frame wire.Notice) *notice {
	n := &notice{frame: frame, hub: h}
	n.holders.Store(1)
	h.loose.Add(n.bytes())
	return n
}

// release gives up one hold.
func (n *notice) release() {
	if n.holders.Add(-1) == 0 {
		n.hub.loose.Add(-n.bytes())
	}
}

// mayKeepLocked reports whether the notices that members hold stay within half of
// Config.QueueBytesTotal if frame becomes the one about s.
func (h *Hub) mayKeepLocked(s *session, frame wire.Notice) bool {
	more := int64(cap(frame) + noticeHeader)
	if s.notice != nil {
		more -= s.notice.bytes()
	}
	return more <= 0 || h.announced.Load()+more <= h.policy().QueueBytesTotal/2
}

// keepNoticeLocked makes n, which the caller holds, the notice about s in place of
// the one before. A nil n stands for none.
func (h *Hub) keepNoticeLocked(s *session, n *notice) {
	if n != nil {
		h.loose.Add(-n.bytes())
		h.announced.Add(n.bytes())
	}
	old := s.notice
	s.notice = n
	if old != nil {
		h.announced.Add(-old.bytes())
		h.loose.Add(old.bytes())
		old.release()
	}
}
