package hub_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// lines is a slog.Handler that keeps what is logged as plain text, quoting
// nothing.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }
func (l *lines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *lines) WithGroup(string) slog.Handler            { return l }
func (l *lines) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Level.String() + " " + r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, b.String())
	return nil
}

func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}

// W43: the reference logs what strangers send, raw, a line or more for each
// message. Here no message is logged, and what names a stranger is cut and
// quoted.
func TestW43LogsHoldNothingOfStrangers(t *testing.T) {
	t.Parallel()
	const evil = "\n2026 level=ERROR msg=forged \x1b[2J"
	evilJSON := `"\n2026 level=ERROR msg=forged \u001b[2J` + strings.Repeat("x", 5000) + `"`
	log := &lines{}
	w := newWorld(t, hub.Config{Logger: slog.New(log), AnnounceRate: -1})
	alice, bob := w.join("alice", "n"), w.join("bob", "n")
	log.take()
	for _, msg := range []string{
		`{"type":` + evilJSON + `}`, `{"type":"announce","networkName":"n","data":` + evilJSON + `}`, evil,
		`{"type":"offer","networkName":` + evilJSON + `,"targetPeerId":` + evilJSON + `}`,
		`{"type":"offer","networkName":"n","data":` + evilJSON + `,"targetPeerId":"` + string(bob.ID()) + `"}`,
	} {
		for range 10 {
			alice.raw(msg)
		}
	}
	alice.fence()
	if got := log.take(); len(got) > 0 {
		t.Errorf("messages were logged: %.300q", got)
	}

	alice.SendClose(4000, evil)
	alice.wantClose(4000, evil)
	nobody, err := w.dial("nobody", wire.PeerID(evil+strings.Repeat("y", 5000)))
	if err != nil {
		t.Fatal(err)
	}
	nobody.wantClose(1008, "Invalid")
	c := w.rawDial()
	c.say([]byte(strings.Replace(rawUpgrade("/", "hub"), "13", "13 "+"\tforged", 1)))
	c.status()
	w.wantSessions(1)
	for _, line := range log.take() {
		if strings.ContainsAny(line, "\n\x1b\t") || len(line) > 300 {
			t.Errorf("logged %q", line)
		}
	}
}
