package wire_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

var stringTable = []string{
	"", "meadow", `"`, `\`, `"\"`, "a'b\"c\\dé\n<&>\u2028", "<script>&amp;</script>", "\x7f\u0080\u00a0", "\u2028\u2029",
	"\x00\x01\x1f \b\f\n\r\t\v", "😀 Wiese 🐦", "\ufeff", "\ufffd", "\U0010ffff", `\u2028`, "\\\u2028", strings.Repeat("\\\"\x00", 100),
	"\x80", "a\xffb", "\xed\xa0\x80", "\xc3",
}

func TestAppendString(t *testing.T) {
	t.Parallel()
	for _, s := range stringTable {
		checkAppendString(t, s)
	}
	for c := range rune(0x3000) {
		checkAppendString(t, "x"+string(c)+"y")
	}
	if got := string(wire.AppendString([]byte("before "), "a")); got != `before "a"` {
		t.Errorf("AppendString to a buffer gives %s", got)
	}
}

// checkAppendString asserts that s is written as encoding/json writes it, but for
// U+2028 and U+2029, which JavaScript leaves as they are.
func checkAppendString(t *testing.T, s string) {
	t.Helper()
	got := wire.AppendString(nil, s)
	if !json.Valid(got) {
		t.Fatalf("AppendString(%q) = %q, which is no JSON", s, got)
	}
	if !utf8.ValidString(s) {
		return // none reaches a hub, and encoding/json would replace it
	}
	want := &bytes.Buffer{}
	want.WriteByte('"')
	for s := s; s != ""; {
		n := strings.IndexAny(s, "\u2028\u2029")
		if n < 0 {
			n = len(s)
		}
		want.WriteString(stringify(t, s[:n]))
		if s = s[n:]; s != "" {
			want.WriteString(s[:len("\u2028")])
			s = s[len("\u2028"):]
		}
	}
	want.WriteByte('"')
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("AppendString(%q) =\n     %s\nwant %s", s, got, want)
	}
	var back string
	if err := json.Unmarshal(got, &back); err != nil || back != s {
		t.Errorf("AppendString(%q) reads as %q (%v)", s, back, err)
	}
}

// stringify returns what encoding/json writes between the quotes.
func stringify(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(b.String(), `"`), "\"\n")
}
