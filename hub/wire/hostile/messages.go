package hostile

import (
	"fmt"
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// nesting is deeper than any parser should follow.
const nesting = 100_000

// Messages returns messages against the protocol, in well-formed frames.
func Messages() (list []Input) {
	for _, m := range []struct {
		name string
		ends wire.CloseReason
		text string
	}{
		{"empty", wire.ReasonNone, ""},
		{"no JSON", wire.ReasonNone, "hello"},
		{"half of a JSON object", wire.ReasonNone, `{"type":"announce","data":{`},
		{"a NUL", wire.ReasonNone, "\x00"},
		{"a byte order mark", wire.ReasonNone, "\ufeff" + `{"type":"ping"}`},
		{"null", wire.ReasonNone, "null"},
		{"a number", wire.ReasonNone, "42"},
		{"an array", wire.ReasonNone, `["announce"]`},
		{"an empty object", wire.ReasonNone, "{}"},
		{"arrays nested deep", wire.ReasonTooDeep, strings.Repeat("[", nesting)},
		{"objects nested deep", wire.ReasonTooDeep, strings.Repeat(`{"data":`, nesting)},
		{"closed arrays nested deep", wire.ReasonTooDeep, strings.Repeat("[", nesting) + strings.Repeat("]", nesting)},
		{"data nested deep", wire.ReasonTooDeep, `{"type":"announce","data":` + strings.Repeat("[", nesting) + strings.Repeat("]", nesting) + `}`},
		{"a number out of range", wire.ReasonNone, `{"type":"ping","data":1e999999}`},
		{"half a surrogate", wire.ReasonNone, `{"type":"announce","networkName":"\ud800"}`},
		{"a key many times", wire.ReasonNone, `{` + strings.Repeat(`"type":"ping",`, 1000) + `"type":"ping"}`},
		{"__proto__", wire.ReasonNone, `{"__proto__":{"isHub":true},"type":"announce","constructor":{"prototype":{"type":"x"}}}`},
		{"the type is a number", wire.ReasonNone, `{"type":7}`},
		{"the type is an object", wire.ReasonNone, `{"type":{"toString":1}}`},
		{"the type is unknown", wire.ReasonNone, `{"type":"drop-table"}`},
		{"a long type", wire.ReasonNone, fmt.Sprintf(`{"type":%q}`, strings.Repeat("t", 100_000))},
		{"the network is a number", wire.ReasonBadNetwork, `{"type":"announce","networkName":7}`},
		{"the network is an object", wire.ReasonBadNetwork, `{"type":"announce","networkName":{"a":1}}`},
		{"the network is __proto__", wire.ReasonNone, `{"type":"announce","networkName":"__proto__"}`},
		{"a long network", wire.ReasonBadNetwork, fmt.Sprintf(`{"type":"announce","networkName":%q}`, strings.Repeat("n", 500_000))},
		{"the data is a text", wire.ReasonNone, `{"type":"announce","data":"isHub"}`},
		{"much data", wire.ReasonMessageTooBig, fmt.Sprintf(`{"type":"announce","data":{"x":%q}}`, strings.Repeat("d", 900_000))},
		{"an offer without a target", wire.ReasonNone, `{"type":"offer","data":{}}`},
		{"the target is a number", wire.ReasonNone, `{"type":"offer","targetPeerId":7,"data":{}}`},
		{"the target is an object", wire.ReasonNone, `{"type":"offer","targetPeerId":{"a":[]},"data":{}}`},
		{"a hub reports nothing", wire.ReasonNone, `{"type":"peer-discovered","data":null,"networkName":"global"}`},
		{"a goodbye of another", wire.ReasonGoodbye, `{"type":"goodbye","data":{"peerId":"ffffffffffffffffffffffffffffffffffffffff"}}`},
		{"invalid UTF-8", wire.ReasonInvalidUTF8, "{\"type\":\"announce\",\"networkName\":\"\xff\xfe\"}"},
		{"an overlong slash", wire.ReasonInvalidUTF8, `{"type":"` + "\xc0\xaf" + `"}`},
		{"a surrogate in UTF-8", wire.ReasonInvalidUTF8, "\xed\xa0\x80"},
		{"half a character", wire.ReasonInvalidUTF8, `{"type":"ping"}` + "\xe2\x82"},
	} {
		list = append(list, Input{Name: "message: " + m.name, Ends: m.ends, Bytes: func() []byte { return TextFrame(m.text) }})
	}
	return append(list,
		Input{Name: "message: binary", Bytes: fixed(Frame(Final|Binary, []byte(`{"type":"announce"}`)))},
		Input{Name: "message: binary, invalid UTF-8", Bytes: fixed(Frame(Final|Binary, []byte("\xff\xfe")))},
		oversize("message: over 1 MiB", wire.MaxMessageBytes+1),
		oversize("message: 16 MiB", 16*wire.MaxMessageBytes),
	)
}

// oversize returns an announce of n bytes. A hub need not take it to its end.
func oversize(name string, n int) Input {
	return Input{Name: name, Ends: wire.ReasonMessageTooBig, Bytes: func() []byte {
		const head, tail = `{"type":"announce","data":{"x":"`, `"}}`
		return TextFrame(head + strings.Repeat("x", n-len(head)-len(tail)) + tail)
	}}
}
