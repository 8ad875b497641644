package wire_test

import (
	"regexp"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	names := make(map[string]wire.Kind)
	for k := range wire.NumKinds {
		name := k.String()
		if was, ok := names[name]; ok || name == "" {
			t.Errorf("kinds %d and %d are both called %q", was, k, name)
		}
		names[name] = k
		env, err := wire.Parse([]byte(`{"type":"` + name + `"}`))
		if err != nil || env.Kind != k {
			t.Errorf("Parse of type %q gives the kind %v (%v), want %v", name, env.Kind, err, k)
		}
		if want := map[bool]string{true: "other"}[k == wire.KindOther]; env.Type != want {
			t.Errorf("Parse of type %q gives the word %q, want %q", name, env.Type, want)
		}
	}
}

func TestKindClasses(t *testing.T) {
	t.Parallel()
	signals := []wire.Kind{wire.KindOffer, wire.KindAnswer, wire.KindICECandidate}
	renegotiation := []wire.Kind{
		wire.KindConnectionRejected, wire.KindRenegotiationOffer, wire.KindRenegotiationAnswer,
		wire.KindICERestartOffer, wire.KindICERestartAnswer, wire.KindRecoveryOffer,
	}
	for k := range wire.NumKinds + 1 {
		if got, want := k.Signal(), slices.Contains(signals, k); got != want {
			t.Errorf("%v.Signal() = %v, want %v", k, got, want)
		}
		if got, want := k.Renegotiation(), slices.Contains(renegotiation, k); got != want {
			t.Errorf("%v.Renegotiation() = %v, want %v", k, got, want)
		}
	}
}

// The texts and codes are what shipped clients and operators know.
func TestCloseReasons(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason wire.CloseReason
		label  string
		code   int
		text   string
	}{
		{wire.ReasonNone, "none", 0, ""},
		{wire.ReasonPeerClosed, "peer_closed", 0, ""},
		{wire.ReasonPeerLost, "peer_lost", 0, ""},
		{wire.ReasonGoodbye, "goodbye", 1000, "goodbye"},
		{wire.ReasonInvalidPeerID, "invalid_peer_id", 1008, "Invalid peerId format"},
		{wire.ReasonDuplicatePeer, "duplicate_peer", 1008, "Peer already connected"},
		{wire.ReasonCapacity, "capacity", 1008, "Maximum connections reached"},
		{wire.ReasonMessageTooBig, "message_too_big", 1009, ""},
		{wire.ReasonProtocolError, "protocol_error", 1002, ""},
		{wire.ReasonInvalidUTF8, "invalid_utf8", 1007, ""},
		{wire.ReasonShutdown, "shutdown", 1000, "Server shutting down"},
	} {
		if got := tc.reason.String(); got != tc.label {
			t.Errorf("reason %d is called %q, want %q", tc.reason, got, tc.label)
		}
		if code, text := tc.reason.Code(), tc.reason.Text(); code != tc.code || text != tc.text {
			t.Errorf("%v closes with %d %q, want %d %q", tc.reason, code, text, tc.code, tc.text)
		}
	}
}

func TestCloseReasonsAreSendable(t *testing.T) {
	t.Parallel()
	label := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	codes := []int{ // that may stand in a close frame
		wire.CodeNormal, wire.CodeProtocolError, wire.CodeInvalidUTF8, wire.CodePolicy,
		wire.CodeTooBig, wire.CodeInternalError, wire.CodeTryAgainLater,
	}
	seen := make(map[string]bool)
	for r := range wire.NumCloseReasons {
		if !label.MatchString(r.String()) || seen[r.String()] {
			t.Errorf("reason %d has the label %q: it must be a metric label, and its own", r, r)
		}
		seen[r.String()] = true
		if r.Code() != 0 && !slices.Contains(codes, r.Code()) {
			t.Errorf("%v has the code %d, which may not stand in a close frame", r, r.Code())
		}
		if r.Code() == 0 && r.Text() != "" {
			t.Errorf("%v has a text but no code to send it with", r)
		}
		if len(r.Text()) > 123 || !utf8.ValidString(r.Text()) {
			t.Errorf("%v has the text %q: a close frame holds 123 bytes of UTF-8", r, r.Text())
		}
	}
}

// A value outside of the set has the text of the zero value and does not panic.
func TestOutOfRange(t *testing.T) {
	t.Parallel()
	for v := range 256 {
		if k := wire.Kind(v); k >= wire.NumKinds && k.String() != "other" {
			t.Errorf("Kind(%d).String() = %q, want other", v, k)
		}
		r := wire.CloseReason(v)
		if r >= wire.NumCloseReasons && (r.String() != "none" || r.Code() != 0 || r.Text() != "") {
			t.Errorf("CloseReason(%d) is %q, %d, %q, want that of ReasonNone", v, r, r.Code(), r.Text())
		}
	}
}
