package hub_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// The input of FuzzSession is one byte of configuration, then operations: a byte
// that says which and by which of four peers (and with the highest bit that the
// next comes together with it), an argument byte, and where the operation takes
// one a payload behind a length byte.
const (
	fuzzConnect  = iota // argument: as which id
	fuzzText            // payload
	fuzzBinary          // payload
	fuzzFrame           // argument: first byte; payload
	fuzzTemplate        // argument: which valid message; payload: where to change it, into what
	fuzzBytes           // payload, in no frame
	fuzzClose           // argument: code
	fuzzReset           //
	fuzzWait            // argument: how long
	fuzzStall           // stop or go on reading

	fuzzOps
	fuzzPeers    = 4
	fuzzTogether = 0x80
)

// fuzzIDs are the ids to connect as. The fourth may be a hub, the last is none.
var fuzzIDs = []wire.PeerID{digits("a"), digits("b"), digits("0123456789abcdef0123"), digits("1"), "none"}

var fuzzWaits = []time.Duration{
	time.Millisecond, 100 * time.Millisecond, time.Second, 3 * time.Second, 6 * time.Second, 11 * time.Second, 31 * time.Second,
}

// fuzzTemplates are valid messages, with the first ids in them.
var fuzzTemplates = func() [][]byte {
	a, b := string(fuzzIDs[0]), string(fuzzIDs[1])
	return [][]byte{
		[]byte(`{"type":"announce","data":{"peerId":"` + a + `","x":[1,{"y":"z"}]},"maxPeers":3,"networkName":"n"}`),
		[]byte(`{"type":"announce","networkName":"m"}`),
		[]byte(`{"type":"announce","data":{"isHub":true},"networkName":"n"}`),
		[]byte(`{"type":"announce","data":{"isHub":true},"networkName":"pigeonhub-mesh"}`),
		[]byte(`{"type":"offer","data":{"type":"offer","sdp":"v=0\r\n"},"targetPeerId":"` + b + `","networkName":"n"}`),
		[]byte(`{"type":"answer","data":null,"fromPeerId":"` + b + `","targetPeerId":"` + a + `","networkName":"n"}`),
		[]byte(`{"type":"ice-candidate","targetPeerId":"` + b + `"}`),
		[]byte(`{"type":"goodbye","data":{"peerId":"` + a + `","timestamp":1},"networkName":"n"}`),
		[]byte(`{"type":"ping"}`),
		[]byte(`{"type":"cleanup","targetPeerId":"` + a + `"}`),
		[]byte(`{"type":"peer-discovered","data":{"peerId":"` + b + `","k":"v"},"networkName":"n"}`),
		[]byte(`{"type":"peer-disconnected","data":{"peerId":"` + b + `"},"networkName":"n"}`),
		[]byte(`{"type":"renegotiation-offer","data":1,"targetPeerId":"` + b + `","networkName":"n"}`),
		[]byte(`{"type":"unheard of"}`),
	}
}()

// FuzzSession plays hostile conversations against a hub over in-memory pipes, on
// a clock that jumps. Whatever happens: what the hub says is well-formed, its
// indexes agree, no session panics, and when all have gone nothing is left.
func FuzzSession(f *testing.F) {
	for _, seed := range fuzzSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) > 4096 {
			return
		}
		synctest.Test(t, func(t *testing.T) { fuzzSession(t, input) })
	})
}

func fuzzSession(t *testing.T, input []byte) {
	in := &fuzzInput{input}
	flags := in.byte()
	h, err := hub.New(hub.Config{
		MaxConnections: 3, MaxMessageBytes: 2048, MaxAnnounceBytes: 512, MessageBurst: 60, AnnounceBurst: 8, QueueBytes: 4096, QueueBytesTotal: 12 << 10,
		IsHub: flags&1 != 0, RelayRenegotiation: flags&2 != 0, CapacityStatus: flags&4 != 0, HubPeerIDs: fuzzIDs[3:4],
		DrainWindow: -1, Memory: hub.MemoryConfig{Interval: -1},
	})
	if err != nil {
		t.Fatal(err)
	}
	ln := newPipeListener()
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	var wg sync.WaitGroup
	wg.Go(func() { srv.Serve(ln) })
	var peers [fuzzPeers]*fuzzPeer
	check := func() {
		if err := h.CheckInvariants(); err != nil {
			t.Error(err)
		}
	}
	for len(in.rest) > 0 {
		op := in.byte()
		together := op&fuzzTogether != 0
		op &^= fuzzTogether
		p := &peers[op/fuzzOps%fuzzPeers]
		switch arg := in.byte(); {
		case op%fuzzOps == fuzzWait:
			time.Sleep(fuzzWaits[int(arg)%len(fuzzWaits)])
			check()
		case op%fuzzOps == fuzzConnect:
			(*p).end()
			*p = fuzzDial(t, ln, fuzzIDs[int(arg)%len(fuzzIDs)])
			if !together {
				synctest.Wait()
			}
		case *p != nil:
			(*p).do(int(op%fuzzOps), arg, in)
			if !together {
				(*p).flush()
				synctest.Wait()
			}
		}
	}
	time.Sleep(11 * time.Second) // a claim on an id is decided by then: it takes at most twice ProbeTimeout
	check()
	for _, p := range peers {
		p.wantAnswer()
	}
	for _, p := range peers {
		p.end()
	}
	time.Sleep(100 * time.Millisecond) // the hub pauses now and then in throwing away what comes after the end
	synctest.Wait()
	st := h.Stats()
	if st.Sessions+st.Peers+st.Announced+st.Networks+st.Hubs+st.Refused+st.Goroutines != 0 || st.QueuedBytes != 0 || st.Panics != 0 {
		t.Errorf("all have gone, and left: %+v", st)
	}
	check()
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	srv.Close()
	ln.Close()
	wg.Wait()
}

type fuzzInput struct{ rest []byte }

func (in *fuzzInput) byte() byte {
	if len(in.rest) == 0 {
		return 0
	}
	b := in.rest[0]
	in.rest = in.rest[1:]
	return b
}

func (in *fuzzInput) payload() []byte {
	n := min(int(in.byte()), len(in.rest))
	p := in.rest[:n]
	in.rest = in.rest[n:]
	return p
}

// fuzzSeeds are conversations worth changing, and the wire corpus.
func fuzzSeeds(f *testing.F) [][]byte {
	op := func(peer, op int, arg byte, payload ...byte) []byte {
		b := []byte{byte(peer*fuzzOps + op), arg}
		switch op &^ fuzzTogether {
		case fuzzText, fuzzBinary, fuzzFrame, fuzzTemplate, fuzzBytes:
			b = append(append(b, byte(len(payload))), payload...)
		}
		return b
	}
	meet := append([]byte{7}, bytes.Join([][]byte{
		op(0, fuzzConnect, 0), op(1, fuzzConnect, 1), op(0, fuzzTemplate, 0), op(1, fuzzTemplate, 0), op(0, fuzzTemplate, 4), op(1, fuzzTemplate, 5),
	}, nil)...)
	after := func(ops ...[]byte) []byte { return append(bytes.Clone(meet), bytes.Join(ops, nil)...) }
	seeds := [][]byte{
		meet,
		after(op(0, fuzzTemplate, 7), op(0, fuzzClose, 0)),
		after(op(0, fuzzTogether|fuzzTemplate, 8), op(0, fuzzTogether|fuzzText, 0, []byte(`{"type":"goodbye"}`)...), op(0, fuzzClose, 0)),
		after(op(0, fuzzTemplate, 1), op(0, fuzzTemplate, 0), op(0, fuzzReset, 0), op(1, fuzzWait, 2)),
		after(op(0, fuzzStall, 0), op(2, fuzzConnect, 0), op(1, fuzzWait, 4), op(2, fuzzTemplate, 0)),
		after(op(0, fuzzStall, 0), op(1, fuzzTemplate, 0), op(1, fuzzTemplate, 0), op(0, fuzzWait, 5), op(0, fuzzStall, 0), op(0, fuzzWait, 6)),
		after(op(2, fuzzConnect, 3), op(2, fuzzTemplate, 3), op(2, fuzzTemplate, 10), op(2, fuzzTemplate, 11), op(2, fuzzTemplate, 2), op(2, fuzzTemplate, 0)),
		after(op(2, fuzzConnect, 4), op(3, fuzzConnect, 2), op(3, fuzzTemplate, 12), op(3, fuzzTemplate, 13), op(0, fuzzWait, 6)),
		after(op(0, fuzzFrame, hostile.Text, '{'), op(0, fuzzFrame, hostile.Final|hostile.Ping, 'x'), op(0, fuzzFrame, 0x80, '}'), op(0, fuzzFrame, 0xff)),
		after(op(0, fuzzBytes, 0, hostile.Final|hostile.Text), op(0, fuzzWait, 6), op(1, fuzzText, 0, []byte("\xff")...), op(1, fuzzBinary, 0, []byte("\xff")...)),
		after(op(0, fuzzBytes, 0, hostile.Header(hostile.Final|hostile.Text, 1<<40)...), op(1, fuzzClose, 5)),
	}
	paths, err := filepath.Glob(filepath.Join("..", "testdata", "wire", "*valid", "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		msg, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(msg) < 256 {
			seeds = append(seeds, after(op(0, fuzzText, 0, msg...)))
		}
	}
	return seeds
}
