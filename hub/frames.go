package hub

import "encoding/binary"

// frames follows the frames in a stream of bytes.
type frames struct {
	header [10]byte
	got    int    // bytes of the header of a frame that has begun
	left   uint64 // bytes that are to come of the frame after that
}

// between reports whether the bytes end where a frame ends.
func (f *frames) between() bool { return f.got == 0 && f.left == 0 }

// pass follows the next bytes.
func (f *frames) pass(p []byte) {
	for len(p) > 0 {
		if f.left > 0 {
			n := min(f.left, uint64(len(p)))
			f.left -= n
			p = p[n:]
			continue
		}
		f.header[f.got] = p[0]
		f.got++
		p = p[1:]
		if f.got >= 2 {
			f.parse()
		}
	}
}

// parse sets left once the length is known. The mask is taken for a part of the payload.
func (f *frames) parse() {
	length := uint64(f.header[1] & 0x7f)
	switch {
	case length == 126 && f.got == 4:
		length = uint64(binary.BigEndian.Uint16(f.header[2:]))
	case length == 127 && f.got == 10:
		length = binary.BigEndian.Uint64(f.header[2:])
	case length >= 126:
		return
	}
	if f.header[1]&0x80 != 0 {
		length += 4
	}
	f.got, f.left = 0, length
}
