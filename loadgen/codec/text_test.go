package codec

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func TestTextErrors(t *testing.T) {
	t.Parallel()
	for text, names := range map[Text]string{
		{Message: "{seq}"}:                 "{sequence}",
		{URL: "/{peer}"}:                   "url",
		{Reply: "/(/"}:                     "reply",
		{First: "{name}"}:                  "first",
		{Reply: "{id} of {everything}"}:    "{everything}",
		{Message: "{id}", Reply: "/[/"}:    "missing closing ]",
		{Message: "{Id} is left as it is"}: "",
	} {
		_, err := New("text", Options{Networks: 1, Text: &text})
		if (err == nil) != (names == "") || err != nil && !strings.Contains(err.Error(), names) {
			t.Errorf("%+v: %v, want %q", text, err, names)
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
