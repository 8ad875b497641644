package wire_test

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// The work for each message and each receiver allocates nothing. The test is not parallel, because
// it counts the allocations of the whole process.
func TestHotPathsDoNotAllocate(t *testing.T) {
	msg := offer(t)
	env, err := wire.Parse(msg)
	if err != nil {
		t.Fatal(err)
	}
	announce, err := wire.Parse(message(t, corpusDir+"/valid/announce.json"))
	if err != nil {
		t.Fatal(err)
	}
	notice := wire.NewDiscovered(alice, false, nil, "meadow")
	buf := make([]byte, 0, 4096)
	for _, tc := range []struct {
		name string
		do   func()
		want float64
	}{
		{"Parse", func() { wire.Parse(msg) }, 0},
		{"ParseAnnouncement", func() { wire.ParseAnnouncement(announce.Data) }, 0},
		{"AppendRelay", func() { wire.AppendRelay(buf, env.Kind, env.Data, alice, bob, "meadow", clock) }, 0},
		{"AppendPong", func() { wire.AppendPong(buf, alice, clock) }, 0},
		{"AppendPing", func() { wire.AppendPing(buf, "") }, 0},
		{"Notice.AppendTo", func() { notice.AppendTo(buf, bob, clock) }, 0},
		{"NewDiscovered", func() { wire.NewDiscovered(alice, false, nil, "meadow") }, 1}, // the notice
		{"NewDisconnected", func() { wire.NewDisconnected(alice, false, "meadow") }, 1},
	} {
		if got := testing.AllocsPerRun(100, tc.do); got != tc.want {
			t.Errorf("%s allocates %v times, want %v", tc.name, got, tc.want)
		}
	}
	if used := len(notice); cap(notice) > used+used/8 {
		t.Errorf("a notice of %d bytes, kept with the peer, holds %d", used, cap(notice))
	}
}

// A key with escapes is resolved once, into no memory of its own, however long it is: it
// was resolved anew for each name that it was compared with. Not parallel, as above.
func TestEscapedKeysDoNotAllocate(t *testing.T) {
	long := strings.Repeat(`\u0061`, 50)
	announce := []byte(`{` + strings.Repeat(`"`+long+`":0,`, wire.MaxMembers-1) + `"\u0074\u0079p\u0065":"ping"}`)
	env, err := wire.Parse(announce)
	if err != nil || env.Kind != wire.KindPing {
		t.Fatalf("Parse: %v, %v, want a ping", env.Kind, err)
	}
	if got := testing.AllocsPerRun(10, func() { wire.Parse(announce) }); got != 0 {
		t.Errorf("%d escaped keys allocate %v times, want 0", wire.MaxMembers, got)
	}
}
