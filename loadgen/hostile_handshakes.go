package loadgen

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// handshakeInputs returns malformed handshakes.
func handshakeInputs() []input {
	var list []input
	for _, h := range []struct {
		name   string
		change func(r *request)
	}{
		{"handshake: target //", func(r *request) { r.line = "GET //" }},
		{"handshake: target without a slash", func(r *request) { r.line = "GET x" }},
		{"handshake: absolute target", func(r *request) { r.line = "GET http://[/" }},
		{"handshake: target with a bad escape", func(r *request) { r.line = "GET /?peerId=%zz" }},
		{"handshake: long target", func(r *request) { r.line += "&x=" + strings.Repeat("x", 200_000) }},
		{"handshake: malformed host", func(r *request) { r.host = "[" }},
		{"handshake: no host", func(r *request) { r.host = "" }},
		{"handshake: POST", func(r *request) { r.line = "POST " + r.path }},
		{"handshake: unknown method", func(r *request) { r.line = "\x01\x02 " + r.path }},
		{"handshake: no key", func(r *request) { r.rest = strings.Replace(r.rest, "Sec-WebSocket-Key", "X-Key", 1) }},
		{"handshake: version 12", func(r *request) { r.rest = strings.Replace(r.rest, "13", "12", 1) }},
		{"handshake: another protocol", func(r *request) { r.rest = strings.Replace(r.rest, "websocket", "h2c", 1) }},
		{"handshake: unknown extension", func(r *request) {
			r.rest += "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n"
		}},
		{"handshake: large header", func(r *request) { r.rest += "X-Large: " + strings.Repeat("x", 2<<20) + "\r\n" }},
		{"handshake: many headers", func(r *request) { r.rest += strings.Repeat("X-Many: x\r\n", 20_000) }},
		{"handshake: a NUL in a header", func(r *request) { r.rest += "X-Nul: \x00\r\n" }},
		{"handshake: two lengths", func(r *request) { r.rest += "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" }},
	} {
		list = append(list, bare(h.name, func(_ *attack, w io.Writer, r request) error {
			h.change(&r)
			return put(w, []byte(r.String()))
		}))
	}
	return append(list,
		bare("handshake: random bytes", func(a *attack, w io.Writer, _ request) error { return put(w, a.noise(4096)) }),
		bare("handshake: that of TLS", func(a *attack, w io.Writer, _ request) error {
			return put(w, []byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, a.noise(505))
		}),
		bare("handshake: frames right behind it", func(_ *attack, w io.Writer, r request) error {
			return put(w, []byte(r.String()), hostile.TextFrame("{"), hostile.Frame(hostile.Final|hostile.RSV1|hostile.Text, []byte("x")))
		}),
		bare("handshake: half of it", func(_ *attack, w io.Writer, r request) error { return put(w, []byte(r.String())[:40]) }),
		slowHeaders)
}

// slowHeaders sends headers byte by byte over many connections.
var slowHeaders = input{name: "handshake: 50 of slow headers", run: func(ctx context.Context, a *attack) string {
	var hello string
	for range crowd {
		r, _, err := a.dial(ctx)
		if err != nil {
			return fmt.Sprintf("not sent: %v", withoutAddress(err))
		}
		hello = r.String()
	}
	begin := time.Now()
	for i := 0; time.Since(begin) < a.hold && i < len(hello)-4 && ctx.Err() == nil; i++ {
		for _, c := range a.conns {
			_ = put(c, []byte(hello[i:i+1]))
		}
		pause(ctx, slowly)
	}
	return fmt.Sprintf("ended %d of %d", a.endedConns(), len(a.conns))
}}

// idInputs returns handshakes that the target must refuse for their ids. If the target
// upgrades, a malformed frame follows, because it may check less after a refusal.
func idInputs() []input {
	var list []input
	for _, i := range []struct {
		name string
		id   func(*attack) string
	}{
		{"id: none", func(*attack) string { return "" }},
		{"id: short", func(a *attack) string { return string(a.id[:39]) }},
		{"id: long", func(a *attack) string { return string(a.id) + "0" }},
		{"id: not hexadecimal", func(a *attack) string { return "x" + string(a.id[1:]) }},
		{"id: not ASCII", func(a *attack) string { return "%F0%9F%95%8A" + string(a.id[1:]) }},
		{"id: 100 KB", func(a *attack) string { return strings.Repeat(string(a.id), 2500) }},
		{"id: __proto__", func(*attack) string { return "__proto__" }},
		{"id: of a bystander", func(a *attack) string { return string(a.bystanders[0].id) }},
	} {
		list = append(list, input{name: i.name, run: func(ctx context.Context, a *attack) string {
			r, conn, err := a.dial(ctx)
			if err != nil {
				return fmt.Sprintf("not sent: %v", withoutAddress(err))
			}
			r.line = strings.Replace(r.line, string(a.id), i.id(a), 1)
			return a.answer(conn, put(conn, []byte(r.String())), hostile.Frame(hostile.Final|hostile.RSV1|hostile.Text, []byte("x")))
		}})
	}
	return list
}
