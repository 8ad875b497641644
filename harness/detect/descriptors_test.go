//go:build linux

package detect_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// A socket that only the peer has closed is in CLOSE_WAIT, and the finding has its scenario.
func TestDescriptorsFindsForgottenSockets(t *testing.T) {
	l := fixture.Listen(t, "tcp", "127.0.0.1:0")
	tcpPair(t, l) // from before the baseline
	var addr string
	found := findIn(t, &detect.Descriptors{}, []int64{1, 2}, func(_ int, dose int64) {
		for range 10 * dose {
			client, server := tcpPair(t, l)
			addr = client.LocalAddr().String()
			client.Close()
			if dose == 1 {
				server.Close()
			}
		}
	})
	f := wantOne(t, found, verdict.Descriptor, 20, "")
	wantCycles(t, f, 0, 20)
	if f.Type != "tcp CLOSE_WAIT" || strings.Count(f.Detail, "\n") != 9 {
		t.Errorf("%s\n%s", f.Type, f.Detail)
	}
	if _, port, _ := net.SplitHostPort(addr); !strings.Contains(f.Detail, "127.0.0.1:") || port == "" {
		t.Errorf("no address in %s", f.Detail)
	}
}

// One of each kind is found, with its kind.
// One connection of a thousand that stays open is found, whichever it is.
func TestDescriptorsFindsOneInAThousand(t *testing.T) {
	l := fixture.Listen(t, "tcp", "127.0.0.1:0")
	var kept []net.Conn
	defer func() {
		for _, c := range kept {
			c.Close()
		}
	}()
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	found := findIn(t, &detect.Descriptors{}, []int64{1000, 1000, 1000}, func(_ int, dose int64) {
		leaks := random.Int64N(dose)
		for i := range dose {
			client, err := new(net.Dialer).DialContext(t.Context(), l.Addr().Network(), l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			server, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			client.Close()
			if i == leaks {
				kept = append(kept, server)
			} else {
				server.Close()
			}
		}
	})
	wantCycles(t, wantOne(t, found, verdict.Descriptor, 3, ""), 1, 1, 1)
}

// A file that is open at the baseline by chance, because it is read just then, does not hide one that
// stays.
func TestDescriptorsBesideAFileThatIsRead(t *testing.T) {
	open := func() *os.File {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	read := open()
	d := &detect.Descriptors{Ignore: func(detect.Descriptor) bool { // called at the first look, after the list was made
		read.Close()
		return false
	}}
	var kept *os.File
	found := findIn(t, d, []int64{1}, func(int, int64) { kept = open() })
	defer kept.Close()
	wantOne(t, found, verdict.Descriptor, 1, "")
}

// Many descriptors of one file are one line, so that they hide no other file.
func TestDescriptorsListsEachFileOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	found := findIn(t, &detect.Descriptors{}, []int64{20}, func(_ int, dose int64) {
		for i := range dose + 1 {
			name := path
			if i == dose {
				name = os.DevNull
			}
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
		}
	})
	detail := wantOne(t, found, verdict.Descriptor, 21, "").Detail
	lines := strings.Split(detail, "\n")
	if len(lines) != 2 || !strings.HasSuffix(lines[0], path+" and 19 more of it") || !strings.HasSuffix(lines[1], os.DevNull) {
		t.Error(detail)
	}
}

func TestDescriptorsKinds(t *testing.T) {
	dir := t.TempDir()
	found := findIn(t, &detect.Descriptors{}, []int64{1}, func(int, int64) {
		tcpPair(t, fixture.Listen(t, "tcp", "[::1]:0"))
		l := fixture.Listen(t, "unix", filepath.Join(dir, "s"))
		tcpPair(t, l)
		pc, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(dir, "f"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []io.Closer{pc, r, w, f} {
			t.Cleanup(func() { c.Close() })
		}
	})
	got := map[string]int64{}
	for _, f := range found {
		got[f.Type] = f.Count
	}
	want := map[string]int64{
		"tcp ESTABLISHED": 2, "tcp listener LISTEN": 1, "unix CONNECTED": 2, "unix listener": 1, "udp": 1, "pipe": 2, "file": 1,
	}
	for kind, n := range want {
		if got[kind] != n {
			t.Errorf("%d of %s, want %d", got[kind], kind, n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
}

// A descriptor that replaces a closed one, one that is closed soon, an idle connection of a client
// and those of the reading are no findings.
func TestDescriptorsBenign(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	l := fixture.Listen(t, "tcp", "127.0.0.1:0")
	client, conn := tcpPair(t, l)
	found := findIn(t, &detect.Descriptors{Grace: time.Minute}, []int64{1, 1}, func(k int, _ int64) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if k == 0 {
			client.Close()
			conn.Close()
			tcpPair(t, l)
		}
		late, _ := tcpPair(t, l)
		later, _ := tcpPair(t, l)
		time.AfterFunc(50*time.Millisecond, func() { late.Close() })
		time.AfterFunc(100*time.Millisecond, func() { later.Close() })
	})
	for _, f := range found {
		// The test should close their other ends and does not.
		if f.Type != "tcp CLOSE_WAIT" || f.Count != 4 {
			wantNone(t, []verdict.Finding{f})
		}
	}
}

// The cost of a listing, by the number of open sockets.
func BenchmarkDescriptors(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			for range n / 2 {
				c, err := new(net.Dialer).DialContext(b.Context(), "tcp", l.Addr().String())
				if err != nil {
					b.Fatal(err)
				}
				defer c.Close()
				s, err := l.Accept()
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
			}
			for b.Loop() {
				if all, err := detect.ReadDescriptors(); err != nil || len(all) < n {
					b.Fatal(len(all), err)
				}
			}
		})
	}
}
