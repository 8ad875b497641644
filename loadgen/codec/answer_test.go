package codec

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

const somebody = wire.PeerID("000000000007aaaaaaaaaaaaaaaaaaaaaaaaaaaa")

func TestAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ rule, message, want string }{
		{"2=3", "2", "3"},
		{"2=3", "42", ""},
		{`{"type":"ping"}={"type":"pong","a":"b=c"}`, `{"type":"ping"}`, `{"type":"pong","a":"b=c"}`},
		{`/^PING :(\w+)$/=PONG :$1 {index}`, "PING :abc", "PONG :abc 7"},
		{`/^PING/=PONG`, "no PING", ""},
		{`/a=b/=c`, "a=b", "c"},
	} {
		c, err := New("text", Options{Networks: 1, Text: &Text{Answers: []string{tt.rule}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.(Answerer).Answer(somebody, []byte(tt.message)); string(got) != tt.want {
			t.Errorf("%s: %q is answered by %q, want %q", tt.rule, tt.message, got, tt.want)
		}
	}
}

// In binary frames templates have the escapes of Go, and expressions those of their own.
func TestBinary(t *testing.T) {
	t.Parallel()
	c, err := New("text", Options{Networks: 1, Text: &Text{
		Binary: true, First: `\x10\xff{index}\\`, Message: `\x00\n{sequence}`, Reply: `/^\x00.{sequence}$/`, Answers: []string{`\xc0\x00=\xd0\x00`},
	}})
	if err != nil {
		t.Fatal(err)
	}
	first := c.Announce(somebody, "")
	message, isReply := c.(Exchanger).Say(somebody, 1)
	if string(first) != "\x10\xff7\\" || string(message) != "\x00\n1000000001" || !isReply([]byte("\x00\xff1000000001")) || isReply(message[1:]) {
		t.Errorf("first %q, message %q", first, message)
	}
	if got := c.(Answerer).Answer(somebody, []byte("\xc0\x00")); string(got) != "\xd0\x00" {
		t.Errorf("answer %q", got)
	}
}

// No rule and no message of a target makes the codec fail.
func FuzzText(f *testing.F) {
	f.Add("2=3", "hello", "2", false)
	f.Add(`/^PING :(.*)$/=PONG :$1`, "/{sequence}/", "PING :x", false)
	f.Add(`\x00=\xff`, `\x01`, "\x00", true)
	f.Fuzz(func(t *testing.T, rule, reply, message string, binary bool) {
		c, err := New("text", Options{Networks: 3, Text: &Text{Answers: []string{rule}, Reply: reply, Binary: binary}})
		if err != nil {
			return
		}
		c.(Answerer).Answer(somebody, []byte(message))
		sent, isReply := c.(Exchanger).Say(somebody, 1)
		isReply([]byte(message))
		if _, isPattern := c.(*Text).pattern(); reply == "" && !isPattern && !isReply(sent) {
			t.Errorf("an echo of %q is no reply", sent)
		}
	})
}
