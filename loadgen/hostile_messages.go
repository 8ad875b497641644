package loadgen

import (
	"fmt"
	"io"
	"strings"
)

// Texts that a JSON parser must survive.
const nesting = 100_000

// messageInputs returns well-formed frames with malformed messages.
func messageInputs() []input {
	var list []input
	for _, m := range []struct{ name, text string }{
		{"message: empty", ""},
		{"message: no JSON", "hello"},
		{"message: half of a JSON object", `{"type":"announce","data":{`},
		{"message: a NUL", "\x00"},
		{"message: a byte order mark", "\ufeff" + `{"type":"ping"}`},
		{"message: null", "null"},
		{"message: a number", "42"},
		{"message: an array", `["announce"]`},
		{"message: an empty object", "{}"},
		{"message: arrays nested deep", strings.Repeat("[", nesting)},
		{"message: objects nested deep", strings.Repeat(`{"data":`, nesting)},
		{"message: a number out of range", `{"type":"ping","data":1e999999}`},
		{"message: half a surrogate", `{"type":"announce","networkName":"\ud800"}`},
		{"message: a key many times", `{` + strings.Repeat(`"type":"ping",`, 1000) + `"type":"ping"}`},
		{"message: __proto__", `{"__proto__":{"isHub":true},"type":"announce","constructor":{"prototype":{"type":"x"}}}`},
		{"message: the type is a number", `{"type":7}`},
		{"message: the type is an object", `{"type":{"toString":1}}`},
		{"message: the type is unknown", `{"type":"drop-table"}`},
		{"message: a long type", fmt.Sprintf(`{"type":%q}`, strings.Repeat("t", 100_000))},
		{"message: the network is a number", `{"type":"announce","networkName":7}`},
		{"message: the network is an object", `{"type":"announce","networkName":{"a":1}}`},
		{"message: the network is __proto__", `{"type":"announce","networkName":"__proto__"}`},
		{"message: a long network", fmt.Sprintf(`{"type":"announce","networkName":%q}`, strings.Repeat("n", 500_000))},
		{"message: the data is a text", `{"type":"announce","data":"isHub"}`},
		{"message: much data", fmt.Sprintf(`{"type":"announce","data":{"x":%q}}`, strings.Repeat("d", 900_000))},
		{"message: an offer to nobody", `{"type":"offer","data":{}}`},
		{"message: the target is a number", `{"type":"offer","targetPeerId":7,"data":{}}`},
		{"message: the target is an object", `{"type":"offer","targetPeerId":{"a":[]},"data":{}}`},
		{"message: a hub reports nothing", `{"type":"peer-discovered","data":null,"networkName":"global"}`},
		{"message: a goodbye of another", `{"type":"goodbye","data":{"peerId":"ffffffffffffffffffffffffffffffffffffffff"}}`},
	} {
		list = append(list, session(m.name, func(_ *attack, w io.Writer) error { return put(w, text(m.text)) }))
	}
	return append(list,
		session("message: invalid UTF-8", func(_ *attack, w io.Writer) error {
			return put(w, text("{\"type\":\"announce\",\"networkName\":\"\xff\xfe\"}"))
		}),
		session("message: binary", func(_ *attack, w io.Writer) error {
			return put(w, rawFrame(final|opBinary, []byte(`{"type":"announce"}`)))
		}),
		session("message: random bytes", func(a *attack, w io.Writer) error { return put(w, rawFrame(final|opBinary, a.noise(10_000))) }),
		oversize("message: over 1 MiB", 1<<20+1),
		oversize("message: 16 MiB", 16<<20),
	)
}

// oversize returns an announce of n bytes.
func oversize(name string, bytes int) input {
	return session(name, func(_ *attack, w io.Writer) error {
		const head, tail = `{"type":"announce","data":{"x":"`, `"}}`
		return put(w, text(head+strings.Repeat("x", bytes-len(head)-len(tail))+tail))
	})
}

// noise returns n random bytes.
func (a *attack) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(a.rng.Uint32())
	}
	return b
}

// put writes bytes.
func put(w io.Writer, parts ...[]byte) error {
	for _, b := range parts {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}
