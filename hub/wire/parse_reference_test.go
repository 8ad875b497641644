package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// checkParse asserts that Parse accepts what encoding/json accepts, finds what
// encoding/json finds, and that nothing it accepts can forge a field of the
// message it is relayed in.
func checkParse(t *testing.T, msg []byte) {
	t.Helper()
	env, err := wire.Parse(msg)
	if errors.Is(err, wire.ErrTooDeep) {
		if deepest(msg) <= wire.MaxDepth {
			t.Errorf("%q is refused as too deep", msg)
		}
		return
	}
	if errors.Is(err, wire.ErrTooMany) {
		if n := strings.Count(string(msg), `:`); n <= wire.MaxMembers {
			t.Errorf("%q is refused for %d members at most", msg, n)
		}
		return
	}
	accepted := err == nil || errors.Is(err, wire.ErrNull)
	if valid := json.Valid(msg); accepted != valid {
		t.Fatalf("%q: Parse says %v, encoding/json that it is valid: %v", msg, err, valid)
	}
	if !accepted {
		return
	}
	if deepest(msg) > wire.MaxDepth {
		t.Errorf("%q is too deep but was accepted", msg)
	}
	if null := string(bytes.TrimSpace(msg)) == "null"; null != errors.Is(err, wire.ErrNull) {
		t.Errorf("%q: Parse says %v", msg, err)
	}
	if err == nil && utf8.Valid(msg) { // the WebSocket layer lets nothing else through
		checkFields(t, msg, env)
		checkRelay(t, env)
	}
}

// deepest returns how deeply brackets nest outside of strings.
func deepest(msg []byte) int {
	depth, most, quoted := 0, 0, false
	for i := 0; i < len(msg); i++ {
		switch c := msg[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '{' || c == '[':
			depth++
			most = max(most, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return most
}

// checkFields compares an envelope with what encoding/json and JavaScript's
// rules of truth make of the message.
func checkFields(t *testing.T, msg []byte, env wire.Envelope) {
	t.Helper()
	var sent map[string]json.RawMessage
	if err := json.Unmarshal(msg, &sent); err != nil {
		sent = nil // no object
	}
	if data := sent["data"]; string(env.Data) != string(data) || (env.Data == nil) != (data == nil) {
		t.Errorf("%q: data is %q, want %q", msg, env.Data, data)
	}

	kind, typ := wire.KindOther, decode(t, sent["type"])
	for k := range wire.NumKinds {
		if k != wire.KindOther && typ == k.String() {
			kind = k
		}
	}
	if env.Kind != kind {
		t.Errorf("%q: kind is %v, want %v", msg, env.Kind, kind)
	}
	if word, ok := typ.(string); ok && kind == wire.KindOther && env.Type != word && (len(word) < 500 || env.Type[:400] != word[:400]) {
		t.Errorf("%q: type is %q, want %q", msg, env.Type, word)
	}

	network := decode(t, sent["networkName"])
	name, ok := network.(string)
	bad := truthy(network) && (!ok || len(name) > wire.MaxNetworkNameBytes)
	if env.BadNetwork != bad || !bad && string(env.Network) != name || (env.Network != nil) != (name != "") && !bad {
		t.Errorf("%q: network is %q, bad %v, want %q, bad %v", msg, env.Network, env.BadNetwork, name, bad)
	}

	target := decode(t, sent["targetPeerId"])
	if env.HasTarget != truthy(target) || string(env.Target) != idIn(target) {
		t.Errorf("%q: target is %q, given %v, want %v", msg, env.Target, env.HasTarget, target)
	}
	if from := decode(t, sent["fromPeerId"]); string(env.From) != idIn(from) {
		t.Errorf("%q: from is %q, want %v", msg, env.From, from)
	}
}

// decode returns the value of a field; nil if it is not there.
func decode(t *testing.T, value json.RawMessage) any {
	t.Helper()
	if value == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("decode %q: %v", value, err)
	}
	return v
}

// truthy is JavaScript's.
func truthy(v any) bool {
	if n, ok := v.(json.Number); ok {
		f, err := n.Float64()
		return err != nil || f != 0
	}
	return v != nil && v != false && v != ""
}

// idIn returns the peer id v is, or "".
func idIn(v any) string {
	if id, ok := v.(string); ok && wire.PeerID(id).Valid() {
		return id
	}
	return ""
}

// checkRelay asserts that a receiver of the message finds the hub's fields in
// the hub's order with the hub's values, and the payload as it was sent.
func checkRelay(t *testing.T, env wire.Envelope) {
	t.Helper()
	network := string(env.Network)
	got := fields(t, payload(t, wire.AppendRelay(nil, wire.KindOffer, env.Data, alice, bob, network, clock)))
	want := []field{{"type", `"offer"`}}
	if env.Data != nil {
		want = append(want, field{"data", string(env.Data)})
	}
	want = append(want, field{"fromPeerId", quoted(string(alice))}, field{"targetPeerId", quoted(string(bob))},
		field{"networkName", string(wire.AppendString(nil, network))}, field{"timestamp", "1763893216135"})
	if len(got) != len(want) {
		t.Fatalf("data %q is relayed with the fields %s", env.Data, names(got))
	}
	for i, f := range got {
		if f != want[i] {
			t.Errorf("data %q is relayed with %s = %s, want %s = %s", env.Data, f.name, f.value, want[i].name, want[i].value)
		}
	}
	var name string
	if err := json.Unmarshal([]byte(got[len(got)-2].value), &name); err != nil || name != network {
		t.Errorf("network %q is relayed as %q (%v)", network, name, err)
	}
}

func quoted(s string) string { return `"` + s + `"` }

func TestParseAgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, e := range corpus(t) {
		checkParse(t, e.msg)
	}
	for _, msg := range syntax() {
		checkParse(t, []byte(msg))
	}
}

// syntax returns every text of up to five of the tokens that a JSON parser has
// to get right, alone and as the payload of a message.
func syntax() []string {
	tokens := []string{"{", "}", "[", "]", ":", ",", `"a"`, `"\`, `\u0041"`, "-", "0", "1", ".", "e+", "null", " "}
	var all []string
	level := []string{""}
	for range 4 {
		var next []string
		for _, text := range level {
			for _, token := range tokens {
				next = append(next, text+token)
			}
		}
		all = append(all, next...)
		level = next
	}
	for _, text := range all[:len(all)/16] { // those of up to three
		all = append(all, `{"type":"offer","data":`+text+`}`, `{"type":"offer","data":[`+text+`]}`)
	}
	return all
}

// Every byte of every message of the corpus, replaced, left out, doubled.
func TestParseAgreesWithEncodingJSONOnDamage(t *testing.T) {
	t.Parallel()
	for _, e := range corpus(t) {
		if len(e.msg) > 400 {
			continue
		}
		for i, c := range e.msg {
			for _, damage := range []string{"", string([]byte{c, c}), `"`, `\`, "{", "}", ",", "0", "\x00", "\x1f", "\x80"} {
				checkParse(t, []byte(strings.Join([]string{string(e.msg[:i]), string(e.msg[i+1:])}, damage)))
			}
		}
	}
}
