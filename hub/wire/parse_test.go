package wire_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// parse.golden holds the result of Parse for every message of the corpus.
func TestParseCorpus(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, e := range corpus(t) {
		env, err := wire.Parse(e.msg)
		if accepted := err == nil; accepted != strings.HasPrefix(e.name, "valid/") {
			t.Errorf("%s: Parse says %v", e.name, err)
		}
		fmt.Fprintf(&got, "%-40s %s\n", e.name, summary(env, err))
	}
	golden := filepath.Join(corpusDir, "parse.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.Split(string(message(t, golden)), "\n")
	for i, line := range strings.Split(got.String(), "\n") {
		if i >= len(want) || line != want[i] {
			t.Fatalf("line %d (-update after a look):\n got %s\nwant %s", i+1, line, append(want, "")[min(i, len(want))])
		}
	}
}

// summary returns the result of Parse in one line.
func summary(env wire.Envelope, err error) string {
	if err != nil {
		return err.Error()
	}
	s := env.Kind.String()
	if env.Kind == wire.KindOther {
		s = fmt.Sprintf("%s %q", s, cut(env.Type))
	}
	if env.Data != nil {
		s += " data=" + cut(string(env.Data))
	}
	if env.From != nil {
		s += " from=" + string(env.From)
	}
	if env.HasTarget {
		s += " target=" + string(env.Target)
	}
	if env.BadNetwork {
		s += " bad"
	}
	if env.Network != nil {
		s += fmt.Sprintf(" network=%q", cut(string(env.Network)))
	}
	return s
}

func cut(s string) string {
	if len(s) > 60 {
		return fmt.Sprintf("%s…(%d bytes)", strings.ToValidUTF8(s[:40], ""), len(s))
	}
	return s
}

// The reference server's answers to types it does not know, byte for byte.
func TestErrorWords(t *testing.T) {
	t.Parallel()
	for msg, word := range map[string]string{
		`{}`:                               `undefined`,
		`[]`:                               `undefined`,
		`5`:                                `undefined`,
		`"x"`:                              `undefined`,
		`true`:                             `undefined`,
		`false`:                            `undefined`,
		`[1,{"type":"ping"}]`:              `undefined`,
		`{"TYPE":"ping"}`:                  `undefined`,
		`{"type":5}`:                       `5`,
		`{"type":null}`:                    `null`,
		`{"type":true}`:                    `true`,
		`{"type":{}}`:                      `[object Object]`,
		`{"type":["a","b"]}`:               `a,b`,
		`{"type":[null,[1,[]],{}]}`:        `,1,,[object Object]`,
		`{"type":1.50}`:                    `1.5`,
		`{"type":1e21}`:                    `1e+21`,
		`{"type":1e-7}`:                    `1e-7`,
		`{"type":-0}`:                      `0`,
		`{"type":-1e999}`:                  `-Infinity`,
		`{"type":1e-99999999999999999999}`: `0`,
		`{"type":11e` + strings.Repeat("9", 500) + `}`:      `Infinity`,
		`{"type":1.` + strings.Repeat("3", 500) + `e-2}`:    `0.013333333333333334`,
		`{"type":12` + strings.Repeat("0", 500) + `e-500}`:  `12`,
		`{"type":0.` + strings.Repeat("0", 500) + `25e501}`: `2.5`,
		`{"type":1` + strings.Repeat("7", 120) + `.5e-120}`: `1.7777777777777777`,
		`{"type":12345678901234567890}`:                     `12345678901234567000`,
		`{"type":""}`:                                       ``,
		`{"type":" ping"}`:                                  ` ping`,
		`{"type":"Offer"}`:                                  `Offer`,
		`{"type":"connected"}`:                              `connected`,
		`{"type":"cleanup-all"}`:                            `cleanup-all`,
		`{"type":"renegotiation-offer"}`:                    `renegotiation-offer`,
		`{"type":"__proto__"}`:                              `__proto__`,
		`{"type":"a'b\"c\\d\u00e9\n<&>\u2028\u0001"}`:       `a'b\"c\\dé\n<&>` + "\u2028" + `\u0001`,
	} {
		env, err := wire.Parse([]byte(msg))
		if err != nil {
			t.Errorf("Parse(%s): %v", msg, err)
			continue
		}
		typ := env.Type
		if env.Kind != wire.KindOther {
			typ = env.Kind.String()
		}
		got := payload(t, wire.AppendError(nil, wire.ErrorText(typ), clock))
		want := `{"type":"error","error":"Signaling server does not route '` + word +
			`' messages. Use WebRTC data channels for peer-to-peer communication.","timestamp":1763893216135}`
		if got != want {
			t.Errorf("%s is answered with\n got %s\nwant %s", msg, got, want)
		}
	}
}

// A long word is cut, between two runes.
func TestErrorTextIsCut(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]string{
		strings.Repeat("x", 64):            strings.Repeat("x", 64),
		strings.Repeat("x", 65):            strings.Repeat("x", 64) + "…",
		strings.Repeat("é", 32):            strings.Repeat("é", 32),
		"x" + strings.Repeat("é", 32):      "x" + strings.Repeat("é", 31) + "…",
		"xxx" + strings.Repeat("😀", 1<<18): "xxx" + strings.Repeat("😀", 15) + "…",
		strings.Repeat("\x80", 100):        "…", // the WebSocket layer lets none through
	} {
		if got := wire.ErrorText(typ); !strings.Contains(got, "route '"+want+"' messages") {
			t.Errorf("ErrorText(%.20q) = %q, want %q in it", typ, got, want)
		}
	}
	// A type that is too long for an error message is not decoded to its end.
	array := "[" + strings.Repeat("[],", 100_000) + "{}]"
	if env, err := wire.Parse([]byte(`{"type":` + array + `}`)); err != nil || len(env.Type) > 2000 || strings.Trim(env.Type, ",") != "" {
		t.Errorf("an array of 100,001 values has the word %.20q… of %d bytes (%v), want some commas", env.Type, len(env.Type), err)
	}
}

func TestParseNesting(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		open, inner, end string
		depth            int
		want             error
	}{
		{"[", "", "]", wire.MaxDepth, nil},
		{"[", "", "]", wire.MaxDepth + 1, wire.ErrTooDeep},
		{`{"a":`, "1", "}", wire.MaxDepth, nil},
		{`{"a":`, "1", "}", wire.MaxDepth + 1, wire.ErrTooDeep},
		{`{"a":`, "{}", "}", wire.MaxDepth - 1, nil},
		{`{"a":`, "[]", "}", wire.MaxDepth, wire.ErrTooDeep},
		{`{"a":[`, "", "]}", wire.MaxDepth / 2, nil},
		{"[", "", "", 1 << 20, wire.ErrTooDeep}, // must not cost a stack
		{`{"a":`, "", "", 1 << 18, wire.ErrTooDeep},
	} {
		msg := strings.Repeat(tc.open, tc.depth) + tc.inner + strings.Repeat(tc.end, tc.depth)
		if _, err := wire.Parse([]byte(msg)); !errors.Is(err, tc.want) {
			t.Errorf("%d times %s: Parse says %v, want %v", tc.depth, tc.open, err, tc.want)
		}
	}
}

// An envelope has a bounded number of members. What its data holds is not counted.
func TestParseMembers(t *testing.T) {
	t.Parallel()
	members := func(n int) string { return strings.Repeat(`"a":0,`, n-1) + `"type":"ping"` }
	for msg, want := range map[string]error{
		"{" + members(wire.MaxMembers) + "}":                               nil,
		"{" + members(wire.MaxMembers+1) + "}":                             wire.ErrTooMany,
		`{"type":"announce","data":{` + members(10*wire.MaxMembers) + "}}": nil,
	} {
		if _, err := wire.Parse([]byte(msg)); !errors.Is(err, want) {
			t.Errorf("%.40s… of %d bytes: Parse says %v, want %v", msg, len(msg), err, want)
		}
	}
}

// Only a field before the end of the message counts, wherever the message comes
// to an end.
func TestParsePrefixes(t *testing.T) {
	t.Parallel()
	msg := offer(t)
	for n := range msg {
		if env, err := wire.Parse(msg[:n]); !errors.Is(err, wire.ErrSyntax) || env.Kind != 0 || env.Data != nil {
			t.Fatalf("the first %d bytes of an offer: %+v, %v", n, env, err)
		}
	}
}

// A quote, a backslash, a control character: at every place of a string, seen by
// eights or not, with bytes before it that look alike under a mask.
func TestParseSpecialBytesAnywhere(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for _, fill := range []string{" ", "!", "#", "[", "]", "\x7f", "\x80", "\xa2", "\xdc", "\xff", "~"} {
			for at := range 18 {
				text := strings.Repeat(fill, at) + string([]byte{byte(c)}) + strings.Repeat(fill, 17-at)
				_, err := wire.Parse([]byte(`"` + text + `"`))
				if refused := c < 0x20 || c == '"' || c == '\\'; (err != nil) != refused {
					t.Fatalf("byte %#02x at %d among %q: Parse says %v", c, at, fill, err)
				}
			}
		}
	}
}

// The views an Envelope holds are of the message, not copies of it.
func TestParseViews(t *testing.T) {
	t.Parallel()
	msg := []byte(`{"type":"offer","data":{"a":1},"networkName":"meadow","targetPeerId":"` + string(bob) + `"}`)
	env, err := wire.Parse(msg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range msg {
		msg[i] = '#'
	}
	for _, view := range [][]byte{env.Data, env.Network, env.Target} {
		if len(view) == 0 || strings.Trim(string(view), "#") != "" {
			t.Errorf("%q is a copy", view)
		}
	}
}
