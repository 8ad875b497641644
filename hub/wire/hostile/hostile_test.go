package hostile_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

func all() []hostile.Input { return slices.Concat(hostile.Frames(), hostile.Messages()) }

// The names are what reports and options go by.
func TestInputsAreNamedApart(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, in := range all() {
		if seen[in.Name] {
			t.Errorf("%q is there twice", in.Name)
		}
		seen[in.Name] = true
		if !strings.HasPrefix(in.Name, "frame: ") && !strings.HasPrefix(in.Name, "message: ") {
			t.Errorf("%q does not say what it is", in.Name)
		}
		if len(in.Bytes()) == 0 {
			t.Errorf("%s sends nothing", in.Name)
		}
	}
}

// A large message is the same to a parser of JSON, in two frames.
func TestLarge(t *testing.T) {
	t.Parallel()
	const spaces = 70_000
	for _, in := range hostile.Messages() {
		before, large := in.Bytes(), hostile.Large(in, spaces)
		b := large.Bytes()
		first := hostile.Header(before[0]&^hostile.Final, spaces)
		if !bytes.HasPrefix(b, first) || large.Ends != in.Ends {
			t.Errorf("%s begins with % x", large.Name, b[:20])
			continue
		}
		rest := bytes.TrimLeft(b[len(first):], " ")
		if len(b)-len(rest) != len(first)+spaces || rest[0] != hostile.Final|hostile.Continuation || !bytes.Equal(rest[1:], before[1:]) {
			t.Errorf("%s ends with % x", large.Name, rest[:min(20, len(rest))])
		}
		if !bytes.Equal(in.Bytes(), before) {
			t.Errorf("%s was changed", in.Name)
		}
	}
}

// Some inputs are against the RFC, some are not, and all of the messages in valid UTF-8
// are allowed by it.
func TestAgainst(t *testing.T) {
	t.Parallel()
	against := hostile.Against(all())
	if len(against) < 10 || len(against) == len(all()) {
		t.Errorf("%d of %d inputs are against RFC 6455", len(against), len(all()))
	}
	for _, in := range against {
		if in.Ends != wire.ReasonProtocolError && in.Ends != wire.ReasonInvalidUTF8 {
			t.Errorf("%s ends with %v", in.Name, in.Ends)
		}
	}
}

func TestFrame(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{0: 6, 125: 131, 126: 134, 65535: 65543, 65536: 65550} {
		if got := len(hostile.Frame(hostile.Final|hostile.Text, make([]byte, n))); got != want {
			t.Errorf("a frame of %d bytes has %d, want %d", n, got, want)
		}
	}
}

// Each value that a client may choose is of the visit, but the token of the last request.
func TestRequestsHaveNewValues(t *testing.T) {
	t.Parallel()
	const name, token = "0123456789abcdef", "the token"
	var got []*http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r)
		http.Error(w, "no", http.StatusTeapot)
	}))
	defer server.Close()
	requests, err := hostile.Requests(t.Context(), server.URL, name, token)
	if err != nil {
		t.Fatal(err)
	}
	if err := hostile.Ask(server.Client(), requests); err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 {
		t.Fatalf("%d requests", len(got))
	}
	for i, r := range got {
		upgrade := i == len(got)-1
		for header, values := range r.Header {
			theirs := slices.Contains([]string{"Connection", "Upgrade", "Sec-Websocket-Version", "Sec-Websocket-Key", "Accept-Encoding"}, header)
			if want := name; !theirs {
				if header == "Authorization" && upgrade {
					want = token
				}
				if !strings.Contains(values[0], want) {
					t.Errorf("request %d: %s is %q, want %q in it", i, header, values, want)
				}
			}
		}
		if !strings.Contains(r.Host, name) || !strings.Contains(r.Method+r.URL.String(), name) && !strings.Contains(r.Method, strings.ToUpper(name)) {
			t.Errorf("request %d: %s %s to %s", i, r.Method, r.URL, r.Host)
		}
		if (r.Header.Get("Upgrade") == "websocket") != upgrade {
			t.Errorf("request %d: upgrade %v", i, !upgrade)
		}
	}
}
