package dial_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/dial"
)

// The headers of a peer are filled in, and cookies are one header.
func TestHeader(t *testing.T) {
	t.Parallel()
	d, err := dial.New(dial.Options{Headers: []string{"x-peer: {index} of {network}", "Host: hub.example.org"}, Cookies: []string{"a=1", "id={id}"}, Subprotocols: []string{"a", "b"}}, 4)
	if err != nil {
		t.Fatal(err)
	}
	got := d.Handshake(wire.PeerID("000000000007ff"))
	want := map[string][]string{"X-Peer": {"7 of network-3"}, "Cookie": {"a=1; id=000000000007ff"}, "Sec-Websocket-Protocol": {"a, b"}}
	if !reflect.DeepEqual(map[string][]string(got), want) || d.Header("00").Get("Host") != "hub.example.org" {
		t.Errorf("got %v", got)
	}
	if h := new(dial.Dialer).Handshake("00"); len(h) > 0 {
		t.Errorf("without options: %v", h)
	}
}

// What is wrong is named, but for values, which may be secrets.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		o     dial.Options
		names string
	}{
		{dial.Options{Headers: []string{"hush"}}, "'Name: value'"},
		{dial.Options{Headers: []string{"a b: hush"}}, "'Name: value'"},
		{dial.Options{Headers: []string{"A: hush\r\nB: x"}}, "not allowed"},
		{dial.Options{Headers: []string{"A: {hush} {id}"}}, "no placeholder"},
		{dial.Options{Headers: []string{"connection: hush"}}, "Connection belongs to"},
		{dial.Options{Headers: []string{"Cookie: hush"}}, "--cookie"},
		{dial.Options{Headers: []string{"Sec-WebSocket-Protocol: hush"}}, "--subprotocol"},
		{dial.Options{Headers: []string{dial.HideHeader("Authorization: hush")}}, "Authorization: its value was left out"},
		{dial.Options{Cookies: []string{"hush"}}, "name=value"},
		{dial.Options{Cookies: []string{"a=hush; b=2"}}, "not allowed"},
		{dial.Options{Subprotocols: []string{"a, b"}}, "subprotocol"},
		{dial.Options{CA: "ca.pem", Insecure: true}, "exclude"},
	} {
		err := tt.o.Check()
		if err == nil || !strings.Contains(err.Error(), tt.names) || strings.Contains(strings.ReplaceAll(err.Error(), "{hush}", ""), "hush") {
			t.Errorf("%v: %v, want an error that names %q", tt.o, err, tt.names)
		}
	}
}

func TestHidden(t *testing.T) {
	t.Parallel()
	o := dial.Options{Headers: []string{"authorization:hush", "Origin: https://a", "hush"}, Cookies: []string{"sid=hush"}, PEM: []byte("hush")}
	if got := fmt.Sprint(o.Hidden()); strings.Contains(got, "hush") || !strings.Contains(got, "Authorization: ...") || !strings.Contains(got, "https://a") {
		t.Errorf("got %s", got)
	}
	for text, want := range map[string]string{
		"ws://me:hush@host:1/a?b=c":                "ws://host:1/a?b=c",
		"wss://host/?id=1&access_token=hush&x=2#t": "wss://host/?id=1&access_token=...&x=2#t",
		"--url-template=/ws?apiKey=hush":           "--url-template=/ws?apiKey=...",
		"ws://host/a@b?q=x@y":                      "ws://host/a@b?q=x@y",
	} {
		if got := dial.HideURL(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// Options of a command line replace those of the same name in a plan.
func TestWith(t *testing.T) {
	t.Parallel()
	o := dial.Options{Headers: []string{"A: 1", "B: 2"}, Cookies: []string{"c=3"}, CA: "ca.pem"}
	got := o.With(dial.Options{Headers: []string{"a: 4"}, Cookies: []string{"d=5"}, Insecure: true})
	want := dial.Options{Headers: []string{"B: 2", "a: 4"}, Cookies: []string{"c=3", "d=5"}, Insecure: true}
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(dial.Options{}.With(dial.Options{}), dial.Options{}) {
		t.Errorf("got %+v", got)
	}
}
