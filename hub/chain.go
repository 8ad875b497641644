package hub

import "sync"

// chain is a first-in-first-out sequence in pieces of a fixed size, so that its
// memory is what it holds, up to a piece at either end. Its owner takes pieces from a
// stock by add and returns them by drop and cut.
type chain[E any] struct {
	head, tail *piece[E]
	from       int // of head's items, these have left the chain
	length     int // items
	pieces     int
}

// piece is a block of items. Its capacity is fixed.
type piece[E any] struct {
	next  *piece[E]
	items []E
}

const pieceHeader = 32 // bytes of a piece beside its items

// stock is the pool of the pieces of one kind.
type stock[E any] struct {
	pool   sync.Pool
	length int       // items of a piece
	bytes  int       // memory of a piece
	forget func([]E) // releases what items that leave a chain refer to; nil if they refer to nothing
}

func newStock[E any](length, itemBytes int, forget func([]E)) *stock[E] {
	k := &stock[E]{length: length, bytes: length*itemBytes + pieceHeader, forget: forget}
	k.pool.New = func() any { return &piece[E]{items: make([]E, 0, length)} }
	return k
}

func (k *stock[E]) put(p *piece[E]) {
	p.next, p.items = nil, p.items[:0]
	k.pool.Put(p)
}

func (k *stock[E]) release(items []E) {
	if k.forget != nil {
		k.forget(items)
	}
}

// need returns how many pieces adding n items takes from the stock.
func (c *chain[E]) need(k *stock[E], n int) int {
	if c.tail != nil {
		n -= cap(c.tail.items) - len(c.tail.items)
	}
	return (max(n, 0) + k.length - 1) / k.length
}

func (c *chain[E]) add(k *stock[E], items ...E) {
	c.length += len(items)
	for len(items) > 0 {
		if c.tail == nil || len(c.tail.items) == cap(c.tail.items) {
			p := k.pool.Get().(*piece[E])
			c.join(chain[E]{head: p, tail: p, pieces: 1})
		}
		t := c.tail
		n := min(len(items), cap(t.items)-len(t.items))
		t.items = append(t.items, items[:n]...)
		items = items[n:]
	}
}

// join moves all of o, of which nothing has left yet, behind c.
func (c *chain[E]) join(o chain[E]) {
	switch {
	case o.head == nil:
		return
	case c.head == nil:
		c.head = o.head
	default:
		c.tail.next = o.head
	}
	c.tail = o.tail
	c.length += o.length
	c.pieces += o.pieces
}

// first returns the items of the first piece.
func (c *chain[E]) first() []E {
	if c.head == nil {
		return nil
	}
	return c.head.items[c.from:]
}

// pass leaves out the first n items, which are in the first piece, and returns no
// piece. With it a copy of a chain that stays as it is can be walked.
func (c *chain[E]) pass(n int) {
	c.from += n
	c.length -= n
	if c.from == len(c.head.items) && c.head != c.tail {
		c.head, c.from = c.head.next, 0
	}
}

// drop drops the first n items.
func (c *chain[E]) drop(k *stock[E], n int) {
	for n > 0 {
		p, items := c.head, c.first()
		items = items[:min(n, len(items))]
		k.release(items)
		c.pass(len(items))
		n -= len(items)
		if c.length == 0 {
			*c = chain[E]{}
			k.put(p)
		} else if c.head != p {
			c.pieces--
			k.put(p)
		}
	}
}

// cut drops all but the first n items.
func (c *chain[E]) cut(k *stock[E], n int) {
	if n == 0 {
		c.drop(k, c.length)
		return
	}
	p, keep := c.head, c.from+n
	for keep > len(p.items) {
		keep -= len(p.items)
		p = p.next
	}
	k.release(p.items[keep:])
	p.items = p.items[:keep]
	for q := p.next; q != nil; {
		next := q.next
		k.release(q.items)
		k.put(q)
		c.pieces--
		q = next
	}
	p.next, c.tail, c.length = nil, p, n
}
