package regress_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// liveMalformed sends messages that a hub does not expect. It ignores or answers most of them.
func liveMalformed(ctx context.Context, target *hubtest.Target, v *harness.Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	id, other := string(v.ID), wire.NewPeerID()
	for _, text := range []string{
		`{"type":"nonsense"}`, `{"type":"` + strings.Repeat("é", 80) + `"}`, `{"type":7}`, `{"type":null}`, `{"type":["a",{"b":1e400}]}`,
		`{"data":[1,-2.5e+3,true,false,null,[],{}]}`, `null`, `7`, `{`, `[`, `{"a" 1}`, `{"a":}`, `{"type":"ping"`, `"\u00e9\n\t\"\\"`, `{"type":"connected"}`,
		`{"type":"offer","data":{}}`, `{"type":"offer","targetPeerId":"x","data":{}}`, `{"type":"offer","targetPeerId":7}`,
		fmt.Sprintf(`{"type":"offer","targetPeerId":%q,"fromPeerId":%q,"networkName":"another","data":{}}`, id, other),
		fmt.Sprintf(`{"type":"offer","targetPeerId":%q,"networkName":7,"data":{}}`, id),
		fmt.Sprintf(`{"type":"answer","targetPeerId":%q,"networkName":"","data":"\u0041\b\f\r\\"}`, id),
		fmt.Sprintf(`{"type":"peer-discovered","networkName":%q,"data":{"peerId":%q}}`, v.Home, other),
		fmt.Sprintf(`{"type":"peer-disconnected","networkName":%q,"data":{"peerId":%q}}`, v.Home, other),
		`{"\u0074ype":"ping"}`, `{"type":"a \" and \\ and \b\f\n\r\t\u0001"}`, `{"type":true}`, `{"type":-12.5e-3}`, `{"type":[1,[2,"x"],{}, null]}`,
		`{"type":-1e999}`, `{"type":0.0}`, `{"type":"ice-restart-offer","targetPeerId":"x"}`, `[1, 2]`, `tru`, `-`, `1.`, `1e`, `01`, `"\q"`, `"\u12"`,
		`{"data":"\ud83d\ude00"}`, `{"type":"announce","networkName":null,"data":{"isHub":false}}`, `{"type":"announce","data":7}`,
		`{"a":1,}`, `{"a":1 "b":2}`, "{\"a\":\"\x01\"}", `"abc`, `"\`, `{}`, `{"a":{"b":1}`, `{"a":[1,2}`, `{1:2}`, `{"a":"\ud83d"}`, `{"a":[{}, {"b":1}, {"c"}]}`,
		`{"type":"x` + strings.Repeat("é", 80) + `"}`, `{"type":"` + strings.Repeat(`y\u00e9`, 400) + `"}`, `{"type":[` + strings.Repeat(`"abcdefgh",`, 200) + `1]}`,
		`{"type":1.` + strings.Repeat("12", 80) + `}`, `{"type":` + strings.Repeat("12", 80) + `e7}`, `{"type":[-1e999,1e999,0,false]}`,
		`{` + strings.Repeat(`"a":1,`, 3000) + `"b":2}`, `{"type":"announce","data":{` + strings.Repeat(`"a":1,`, 100) + `"b":2}}`,
		fmt.Sprintf(`{"type":"offer","targetPeerId":%q,"networkName":{},"data":1}`, id), fmt.Sprintf(`{"type":"offer","targetPeerId":%q,"networkName":true}`, id),
		fmt.Sprintf(`{"type":"offer","targetPeerId":%q,"networkName":0.0}`, strings.ToUpper(id)), `{"type":"offer","targetPeerId":"` + strings.Repeat("g", 40) + `"}`,
		fmt.Sprintf(`{"type":"offer","targetPeerId":%q,"networkName":%q,"data":%q}`, id, v.Home, strings.Repeat("x", 65000)),
		`{"type":"cleanup"}`, `{"type":"announce","networkName":"pigeonhub-mesh","data":{"isHub":true}}`,
		`{"type":"announce","data":{"isHub":true,"name":"quote \" and \\ and \b\f\n\r\t and \u0001"}}`,
	} {
		if err := v.WriteBytes(textFrame(0x81, text)); err != nil {
			return err
		}
	}
	if err := v.WriteBytes(append(textFrame(0x89, "a ping"), textFrame(0x82, "\xff")...)); err != nil {
		return err
	}
	// The hub ends a session if a message is nested too deeply, or if an announce is too large or
	// names no network.
	if ends := []string{
		strings.Repeat("[", wire.MaxDepth+1), `{"type":"announce","data":{"name":"` + strings.Repeat("x", 9000) + `"}}`,
		`{"type":"announce","networkName":7}`,
	}; v.Index%6 < len(ends) {
		if err := v.WriteBytes(textFrame(0x81, ends[v.Index%6])); err != nil {
			return err
		}
		return readToEnd(v.Conn())
	}
	if _, err := v.Fence(ctx); err != nil {
		return err
	}
	return v.Close(ctx)
}

// textFrame returns one frame of a client, masked with zeros. The first byte holds the FIN bit
// and the opcode.
func textFrame(first byte, text string) []byte {
	frame := []byte{first, 0x80 | byte(len(text))}
	if len(text) > 125 {
		frame = []byte{first, 0x80 | 126, byte(len(text) >> 8), byte(len(text))}
	}
	return append(append(frame, 0, 0, 0, 0), text...)
}

// liveStrict runs a hub that refuses by token, origin and capacity and hides details on its
// pages. A subscription reads some of its events.
func liveStrict(ctx context.Context, _ *hubtest.Target, _ *harness.Visit) error {
	cfg := witnessConfig()
	cfg.AuthToken, cfg.AllowedOrigins, cfg.MaxSubscriptions = witnessToken, []string{"https://example.com"}, 1
	cfg.CapacityStatus, cfg.MaxConnections = true, 1
	return withHub(cfg, func(target *hubtest.Target) error {
		events, err := target.Hub.Subscribe("strict", hub.EventPeerConnected, hub.EventPeerDisconnected)
		if err != nil {
			return err
		}
		defer events.Close()
		if _, err := target.Hub.Subscribe("one too many"); err == nil {
			return errors.New("the hub accepted a second subscription")
		}
		pages := httptest.NewServer(admin.Public(target.Hub, admin.PublicConfig{HideDetails: true, Metrics: true}))
		defer pages.Close()
		for _, path := range []string{"/health", "/hubs", "/metrics", "/readyz"} {
			err = errors.Join(err, readPage(ctx, http.MethodGet, pages.URL+path))
		}
		c, dialled := dialWitness(ctx, target, wire.NewPeerID(), witnessToken)
		if err = errors.Join(err, dialled); err != nil {
			return err
		}
		defer c.Close()
		if second, err := dialWitness(ctx, target, wire.NewPeerID(), witnessToken); err == nil {
			second.Close()
		}
		select {
		case e := <-events.Events():
			_ = e.Payload()
		case <-ctx.Done():
			return ctx.Err()
		}
		return errors.Join(c.SendClose(wire.CodeNormal, "done"), readToEnd(c))
	}, shutdown)
}
