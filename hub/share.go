package hub

import "net/netip"

// mayFill reports whether a frame of n bytes may wait here that a message of from
// asks for, and counts it. Any sender may use the first quarter of Config.QueueBytes. Of the
// bytes beyond it, one address may have another quarter, so that one sender cannot get a peer
// cut as a slow consumer by sending it more than it can read. Sessions of
// exempt addresses and of hubs, which forward what many peers send, have no share. The
// caller holds Hub.mu, because of from.isHub.
func (s *session) mayFill(from *session, n int) bool {
	quarter := s.hub.policy().QueueBytes / 4
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes <= quarter || from.isHub {
		return true
	}
	source, limited := s.hub.addresses.Source(from.ip())
	if !limited {
		return true
	}
	if s.shares[source]+n > quarter {
		return false
	}
	if s.shares == nil {
		s.shares = make(map[netip.Prefix]int)
	}
	s.shares[source] += n
	return true
}

// forgetSharesLocked drops the shares when the queue is within the quarter that any sender may
// use.
func (s *session) forgetSharesLocked() {
	if s.bytes <= s.hub.policy().QueueBytes/4 {
		s.shares = nil
	}
}
