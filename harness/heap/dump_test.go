package heap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

// dumpWriter writes a dump as the runtime does.
type dumpWriter struct{ bytes.Buffer }

func newDumpWriter() *dumpWriter {
	w := &dumpWriter{}
	w.WriteString(heapDumpHeader)
	w.ints(6, 0, 8, 0, 0)
	w.text("amd64")
	w.text("go1.26")
	w.ints(2)
	return w
}

func (w *dumpWriter) ints(numbers ...uint64) {
	for _, n := range numbers {
		w.Write(binary.AppendUvarint(nil, n))
	}
}

func (w *dumpWriter) text(s string) {
	w.ints(uint64(len(s)))
	w.WriteString(s)
}

// memory writes words, all of which are pointers.
func (w *dumpWriter) memory(words ...uint64) {
	w.ints(uint64(8 * len(words)))
	for _, word := range words {
		w.Write(binary.LittleEndian.AppendUint64(nil, word))
	}
}

func (w *dumpWriter) pointers(n int) {
	for i := range n {
		w.ints(1, uint64(8*i))
	}
	w.ints(0)
}

func (w *dumpWriter) object(addr uint64, words ...uint64) {
	w.ints(1, addr)
	w.memory(words...)
	w.pointers(len(words))
}

// smallDump has one record of each kind.
func smallDump() []byte {
	w := newDumpWriter()
	w.ints(3, 0x100, 16)
	w.text("main.T")
	w.ints(1)
	w.ints(8, 0x200, 0x100)
	w.object(0x10000, 0x10040, 0)
	w.object(0x10040, 0x10000, 0x10080)
	w.object(0x10080, 0, 0)
	w.ints(2)
	w.text("a root")
	w.ints(0x10000)
	w.ints(4, 0x300, 0x7000, 1, 0, 4, 0, 0, 0)
	w.text("select")
	w.ints(0, 0, 0, 0)
	w.ints(5, 0x7000, 0, 0)
	w.memory(0x10000)
	w.ints(0x400, 0x404, 0x404)
	w.text("main.main")
	w.pointers(1)
	w.ints(14, 0x500, 0x300, 0, 0, 0x10080, 0, 0)
	w.ints(15, 0, 0, 0, 0, 0, 0)
	w.ints(9, 0x600, 1, 2)
	for _, tag := range []uint64{12, 13} {
		w.ints(tag, 0x8000*tag)
		w.memory(0x10040)
		w.pointers(1)
	}
	w.ints(7, 0x10040, 0x10080, 0, 0, 0)
	w.ints(11, 0x10040, 0x10080, 0, 0, 0)
	w.ints(10)
	w.ints(make([]uint64, 24+256+1)...)
	w.ints(16, 0x700, 16, 2)
	for _, function := range []string{"runtime.mallocgc", "main.new"} {
		w.text(function)
		w.text("main.go")
		w.ints(7)
	}
	w.ints(1, 0)
	w.ints(17, 0x10040, 0x700)
	w.ints(0)
	return w.Bytes()
}

func TestParseHeapDump(t *testing.T) {
	t.Parallel()
	d, err := parseHeapDump(smallDump())
	if err != nil {
		t.Fatal(err)
	}
	if len(d.objects) != 3 || len(d.segments) != 2 || len(d.goroutines) != 1 || len(d.goroutines[0].frames) != 1 ||
		len(d.finalizers) != 2 || len(d.defers) != 1 || len(d.threads) != 1 || d.itabs[0x200] != 0x100 {
		t.Errorf("got %+v", d)
	}
	if born := d.born(d.objects[1]); born.Function != "main.new" || born.Line != 7 {
		t.Errorf("born at %v", born)
	}
	var to []uint64
	for _, p := range d.pointers(d.objects[1]) {
		to = append(to, p)
	}
	if !slices.Equal(to, []uint64{0x10000, 0x10080}) {
		t.Errorf("the second object points to %#x", to)
	}
}

// A dump that was truncated, by a full disk or by the end of its process, must not look like one
// without retainers.
func TestParseHeapDumpRefuses(t *testing.T) {
	t.Parallel()
	whole := smallDump()
	for n := range whole {
		if _, err := parseHeapDump(whole[:n]); !errors.Is(err, ErrHeapDump) {
			t.Fatalf("cut off after %d of %d bytes: %v", n, len(whole), err)
		}
	}
	w := newDumpWriter()
	w.ints(99)
	if _, err := parseHeapDump(w.Bytes()); !errors.Is(err, ErrHeapDump) {
		t.Errorf("unknown record: %v", err)
	}
	w = &dumpWriter{}
	w.WriteString(heapDumpHeader)
	w.ints(6, 1, 4, 0, 0, 0, 0, 0, 0) // big-endian, 32 bits
	if _, err := parseHeapDump(w.Bytes()); !errors.Is(err, ErrHeapDump) {
		t.Errorf("another machine: %v", err)
	}
}

func TestParseHeapDumpOfThisProcess(t *testing.T) {
	t.Parallel()
	if fixture.InChild(t) {
		return
	}
	_, tier := wantRetainers(t, nil, nil)
	f, err := os.Open(tier.File)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, unmap, err := mapFile(f)
	if err != nil {
		t.Fatal(err)
	}
	defer unmap()
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		if n := r.IntN(len(raw)); n < len(raw)-1 {
			if _, err := parseHeapDump(raw[:n]); !errors.Is(err, ErrHeapDump) {
				t.Errorf("cut off after %d of %d bytes: %v", n, len(raw), err)
			}
		}
	}
}

// Dumps that are open at the same time do not include one another. If they were on the heap, each
// would be twice as large as the one before.
func TestHeapDumpsDoNotHoldEachOther(t *testing.T) {
	t.Parallel()
	if fixture.InChild(t) {
		return
	}
	var sizes []int
	for range 4 {
		d, _, _, err := takeHeapDump(t.Context(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer d.close()
		sizes = append(sizes, len(d.raw))
	}
	if sizes[3] > 4*sizes[0] { // parsed data of each is on the heap
		t.Errorf("dumps of %d bytes", sizes)
	}
}

func TestHeapIndex(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for _, spread := range []uint64{1 << 12, 1 << 20, 1 << 45} { // one page; many; too many for a table
		var objects []heapRegion
		addr := uint64(0xc000000000)
		for range 2000 {
			addr += r.Uint64N(spread) &^ 7
			o := heapRegion{addr: addr, size: 8 << r.IntN(14)}
			objects = append(objects, o)
			addr += uint64(o.size)
		}
		var x heapIndex
		x.build(objects)
		if (x.pages == nil) != (spread == 1<<45) {
			t.Errorf("spread %d: a table of %d pages", spread, len(x.pages))
		}
		for range 20_000 {
			i := r.IntN(len(objects))
			o := objects[i]
			if got := x.find(objects, o.addr+r.Uint64N(uint64(o.size))); got != i {
				t.Fatalf("spread %d: inside object %d: found %d", spread, i, got)
			}
			if i > 0 && o.addr > objects[i-1].addr+uint64(objects[i-1].size) && x.find(objects, o.addr-1) != -1 {
				t.Fatalf("spread %d: something before object %d", spread, i)
			}
		}
		for _, outside := range []uint64{0, 1, objects[0].addr - 1, addr, addr + 1<<30, ^uint64(0)} {
			if got := x.find(objects, outside); got != -1 {
				t.Errorf("spread %d: %#x is in object %d", spread, outside, got)
			}
		}
	}
}

func FuzzHeapDump(f *testing.F) {
	whole := smallDump()
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(heapDumpHeader))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := parseHeapDump(raw)
		if err != nil {
			return
		}
		for _, m := range append(slices.Clone(d.objects), d.segments...) {
			for _, to := range d.pointers(m) {
				if i := d.find(to); i >= 0 && to-d.objects[i].addr >= uint64(d.objects[i].size) {
					t.Errorf("%#x is not in %+v", to, d.objects[i])
				}
			}
			d.born(m)
		}
	})
}
