package codec

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func TestTextErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  Text
		names string
	}{
		{Text{Message: "{seq}"}, "{sequence}"},
		{Text{URL: "/{peer}"}, "url"},
		{Text{Reply: "/(/"}, "reply"},
		{Text{First: "{name}"}, "first"},
		{Text{Reply: "{id} of {everything}"}, "{everything}"},
		{Text{Message: "{id}", Reply: "/[/"}, "missing closing ]"},
		{Text{Message: "{Id} is left as it is"}, ""},
		{Text{Message: `\x and \q stay`}, ""},
		{Text{Message: `\q`, Binary: true}, "message: an escape"},
		{Text{Reply: `/\d/`, Binary: true}, ""},
		{Text{Answers: []string{"PING"}}, "SENT=REPLY"},
		{Text{Answers: []string{"/x/"}}, "/EXPRESSION/=REPLY"},
		{Text{Answers: []string{"2=3", "/(/=x"}}, "missing closing )"},
		{Text{Answers: []string{"2={sequence}"}}, "{sequence}"},
	} {
		_, err := New("text", Options{Networks: 1, Text: &tt.text})
		if (err == nil) != (tt.names == "") || err != nil && !strings.Contains(err.Error(), tt.names) {
			t.Errorf("%+v: %v, want %q", tt.text, err, tt.names)
		}
	}
	c, err := New("", Options{Networks: 1, Text: &Text{URL: "ws://192.0.2.1/{id}"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Address("ws://127.0.0.1:1", wire.PeerID(strings.Repeat("a", 40))); err == nil {
		t.Errorf("load would go to %s", got)
	}
}
