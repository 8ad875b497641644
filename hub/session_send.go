package hub

// send queues one frame, which it copies. It reports false if the session is ending,
// or if its queue is full: then the session goes into the batch's cuts. A frame that
// finds the queue empty is accepted whatever its size, so that one large message does
// not cut a peer that reads.
func (s *session) send(b *batch, frame []byte) bool { return s.enqueue(b, frame, ref{}) }

// sendNotice queues a notice with the time at.
func (s *session) sendNotice(b *batch, n *notice, at int64) bool {
	return s.enqueue(b, nil, ref{notice: n, at: at})
}

func (s *session) enqueue(b *batch, frame []byte, r ref) bool {
	queued, full := s.tryEnqueue(b, frame, r, false)
	if full {
		s.hub.relieve(b)
		queued, _ = s.tryEnqueue(b, frame, r, true)
	}
	return queued
}

// tryEnqueue reports full if there is no room in Config.QueueBytesTotal, unless the
// caller has relieved it and so could not make more.
func (s *session) tryEnqueue(b *batch, frame []byte, r ref, relieved bool) (queued, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending || s.gone || s.overfull {
		return false, false
	}
	size, need := len(frame), 0
	if r.notice != nil {
		size = len(r.notice.frame)
	}
	if s.out != nil {
		need = s.out.need(len(frame))
	} else {
		need = new(pending).need(len(frame))
	}
	// The first piece of either kind is free, so that a small bound is not used up by
	// pieces that are nearly empty.
	limit := s.hub.policy().QueueBytes
	if s.bytes > 0 && (s.bytes+size > limit || need > 0 && s.held+need > limit+byteStock.bytes+refStock.bytes) {
		s.shedLocked(b)
		return false, false
	}
	if need > 0 && !relieved && !s.hub.fits(need) {
		return false, true
	}
	s.addLocked(b, frame, r, size)
	return true, false
}

func (s *session) addLocked(b *batch, frame []byte, r ref, size int) {
	if s.out == nil {
		s.out = pendings.Get().(*pending)
	}
	if r.notice != nil {
		r.notice.holders.Add(1)
	}
	was := s.out.capacity()
	s.out.add(frame, r)
	grown := s.out.capacity() - was
	s.bytes += size
	s.held += grown
	if grown > 0 {
		s.hub.queued.add(grown)
	}
	s.position += int64(size)
	b.frames++
	if !s.dirty && !s.writing {
		s.dirty = true
		b.dirty = append(b.dirty, s)
	}
}

// waiting returns how many bytes wait, 0 for a session that is ending.
func (s *session) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending || s.gone {
		return 0
	}
	return s.bytes
}
