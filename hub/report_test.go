package hub_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
)

// about returns the lines of level info that hold all the words.
func (l *lines) about(words ...string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.HasPrefix(line, "INFO ") && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			found = append(found, line)
		}
	}
	return found
}

// Refusals are in the log with their reason: a line each at first, then a count.
func TestRefusalsAreLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &lines{}
		w := newPipeWorld(t, hub.Config{Logger: slog.New(log), AuthToken: "sesame"})
		id := digits("a")
		refuse := func(times int) {
			for range times {
				if _, err := w.dial("stranger", id); err == nil {
					t.Fatal("a stranger got in")
				}
			}
		}
		refuse(42)
		got := log.about("refused reason=unauthorized", "address=pipe", "peer="+string(id))
		if len(got) != 5 {
			t.Errorf("%d lines about 42 refusals, want 5:\n%s", len(got), strings.Join(log.take(), "\n"))
		}
		if got := log.about("more refused"); len(got) != 0 {
			t.Errorf("%q at once, want it after 10s", got)
		}
		time.Sleep(13 * time.Second) // the monitor's next sample after the window
		if got := log.about("37 more refused: unauthorized, in 10s"); len(got) != 1 {
			t.Errorf("no line about the other 37:\n%s", strings.Join(log.take(), "\n"))
		}
		log.take()
		refuse(6)
		if got := log.about("refused reason=unauthorized"); len(got) != 5 {
			t.Errorf("%d lines in a new window, want 5", len(got))
		}
		w.hub.Close()
		if got := log.about("1 more refused: unauthorized"); len(got) != 1 {
			t.Error("the end of the hub loses what was counted")
		}
		w.ended = true
	})
}

// A cut is in the log with reason, address, peer, network, duration and bytes.
func TestCutsAreLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &lines{}
		w := newPipeWorld(t, hub.Config{Logger: slog.New(log), MessageBurst: 10, MessageRate: 1})
		p := w.join("chatty", "the meadow")
		time.Sleep(3 * time.Second)
		ended := p.swallow()
		for range 100 {
			if p.SendRaw([]byte(`{"type":"cleanup"}`)) != nil {
				break
			}
		}
		<-ended
		synctest.Wait()
		got := log.about("session cut reason=message_rate", "address=pipe", "peer="+string(p.ID()), `network="the meadow"`,
			"duration=3s", "received_bytes=", "sent_bytes=")
		if len(got) != 1 {
			t.Errorf("want one line about the cut:\n%s", strings.Join(log.take(), "\n"))
		}
		second := w.join("second", "n")
		log.take()
		second.Close()
		synctest.Wait()
		if got := log.about("session"); len(got) != 0 {
			t.Errorf("%q about a peer that left by itself, want nothing at level info", got)
		}
	})
}
