package loadgen

// isGreeted reports whether the target has accepted the peer.
func (p *Peer) isGreeted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.greeted
}

// excuse allows the target to end the connection: that does not count as a cut.
func (p *Peer) excuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.excused = true
}

// reason returns why the connection has ended, nil if it has not.
func (p *Peer) reason() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.why
}

// signals returns how many signals have arrived at the peer.
func (p *Peer) signals() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard
}

// isWaiting reports whether a ping has not been answered.
func (p *Peer) isWaiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.pinged.Start.IsZero()
}

// isKept reports whether the peer has vanished while its connection is open.
func (p *Peer) isKept() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept && !p.over
}

// isOver reports whether the connection has ended.
func (p *Peer) isOver() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

// in returns the network of the peer, nil before the announce.
func (p *Peer) in() *network {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.network
}
