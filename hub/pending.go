package hub

import (
	"encoding/binary"
	"sync"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// pending is what waits for one peer, in the order in which it is sent: own frames,
// made for this peer alone, and refs to notices that other queues hold too. A ref
// says how many bytes of own frames come between it and the ref before it. A write
// may end anywhere, so the first frame may be written in part.
type pending struct {
	own    chain[byte]
	refs   chain[ref]
	ahead  int // bytes of own before the first ref
	before int // bytes of own before the last ref
	bytes  int // of all frames
	left   int // of an own frame that is written in part, these bytes are not written yet
	skip   int // of the first ref's frame, these bytes are written
}

// ref is the copy of a notice for one receiver. It is made when it is written.
type ref struct {
	notice *notice
	at     int64 // the copy's time, Unix milliseconds
	gap    int   // bytes of own frames between the ref before it and this one
}

var (
	pendings  = sync.Pool{New: func() any { return new(pending) }}
	byteStock = newStock[byte](4<<10, 1, nil)
	refStock  = newStock(85, 24, releaseRefs)
)

func releaseRefs(refs []ref) {
	for i := range refs {
		refs[i].notice.release()
		refs[i] = ref{}
	}
}

// free returns p, which is empty, to the pool.
func (p *pending) free() {
	*p = pending{}
	pendings.Put(p)
}

// capacity returns the bytes of memory that p holds, notices excluded.
func (p *pending) capacity() int { return p.own.pieces*byteStock.bytes + p.refs.pieces*refStock.bytes }

// need returns by how much capacity grows with an own frame of n bytes, or, if n is
// 0, with a ref.
func (p *pending) need(n int) int {
	if n > 0 {
		return p.own.need(byteStock, n) * byteStock.bytes
	}
	return p.refs.need(refStock, 1) * refStock.bytes
}

// add adds an own frame, or, if there is none, a ref.
func (p *pending) add(frame []byte, r ref) {
	if r.notice == nil {
		p.own.add(byteStock, frame...)
		p.bytes += len(frame)
		return
	}
	r.gap = p.own.length - p.before
	if p.refs.length == 0 {
		p.ahead = r.gap
	}
	p.before = p.own.length
	p.refs.add(refStock, r)
	p.bytes += len(r.notice.frame)
}

// join moves all of o, of which nothing is written yet, behind p.
func (p *pending) join(o *pending) {
	if o.refs.length > 0 {
		gap := p.own.length - p.before + o.ahead
		if p.refs.length == 0 {
			p.ahead = gap
		}
		o.refs.first()[0].gap = gap
		p.before = p.own.length + o.before
	}
	p.own.join(o.own)
	p.refs.join(o.refs)
	p.bytes += o.bytes
	o.free()
}

// run returns how many bytes of own come before a ref or the end.
func (p *pending) run() int {
	if p.refs.length == 0 {
		return p.own.length
	}
	return p.ahead
}

// passedOwn accounts for n bytes that have left own.
func (p *pending) passedOwn(n int) {
	if p.refs.length > 0 {
		p.ahead -= n
		p.before -= n
	}
}

// passedRef accounts for a ref that has left refs.
func (p *pending) passedRef() {
	p.skip = 0
	if p.refs.length > 0 {
		p.ahead = p.refs.first()[0].gap
	} else {
		p.ahead, p.before = 0, 0
	}
}

// gather appends to dst what is written next, as far as there is room in dst, but at
// least one notice if that comes first. p stays as it is.
func (p pending) gather(dst []byte, to wire.PeerID) []byte {
	for {
		room := cap(dst) - len(dst)
		if run := p.run(); run > 0 {
			first := p.own.first()
			n := min(run, len(first), room)
			if n == 0 {
				return dst
			}
			dst = append(dst, first[:n]...)
			p.own.pass(n)
			p.passedOwn(n)
			continue
		}
		if p.refs.length == 0 {
			return dst
		}
		r := p.refs.first()[0]
		if len(dst) > 0 && len(r.notice.frame) > room {
			return dst
		}
		dst = r.notice.frame.AppendTo(dst, to, r.at)[p.skip:] // skip is 0 unless dst was empty
		p.refs.pass(1)
		p.passedRef()
	}
}

// only returns all of p if it is one piece of own frames, else nil.
func (p *pending) only() []byte {
	if p.refs.length > 0 || p.own.head != p.own.tail {
		return nil
	}
	return p.own.first()
}

// advance drops the first n bytes, which are written.
func (p *pending) advance(n int) {
	if n == p.bytes {
		p.clear()
		return
	}
	p.bytes -= n
	for n > 0 {
		if p.run() > 0 {
			if p.left == 0 {
				p.left = p.frameLength()
			}
			m := min(n, p.left)
			p.own.drop(byteStock, m)
			p.passedOwn(m)
			p.left -= m
			n -= m
			continue
		}
		left := len(p.refs.first()[0].notice.frame) - p.skip
		if n < left {
			p.skip += n
			return
		}
		n -= left
		p.refs.drop(refStock, 1)
		p.passedRef()
	}
}

// frameLength returns the length of the first own frame, header included.
func (p *pending) frameLength() int {
	var head [10]byte
	c, n := p.own, 0
	for n < len(head) && c.length > 0 {
		m := copy(head[n:], c.first())
		c.pass(m)
		n += m
	}
	switch length := head[1]; length {
	case 126:
		return 4 + int(binary.BigEndian.Uint16(head[2:]))
	case 127:
		return 10 + int(binary.BigEndian.Uint64(head[2:]))
	default:
		return 2 + int(length)
	}
}

// clear drops all.
func (p *pending) clear() {
	p.left, p.skip = 0, 0
	p.truncate()
}

// truncate drops all but what is left of a frame that is written in part, so that
// another frame can follow it.
func (p *pending) truncate() {
	p.bytes = p.left
	refs := 0
	if p.skip > 0 {
		refs, p.bytes = 1, len(p.refs.first()[0].notice.frame)-p.skip
	}
	p.own.cut(byteStock, p.left)
	p.refs.cut(refStock, refs)
	p.ahead, p.before = 0, 0
}
