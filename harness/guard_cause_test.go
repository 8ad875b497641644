package harness_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness"
)

// A goroutine that retains a watched object is one leak: the goroutine, with its line, its stack and
// what it retains. If nothing else does, the path of the object is reported.
func TestGuardNamesTheCause(t *testing.T) {
	t.Parallel()
	out, failed := inside(t, "^TestInsideCause$")
	wantFailed(t, out, failed, "TestInsideCause", "TestInsideCause/goroutine", "TestInsideCause/variable")
	goroutine, variable, _ := strings.Cut(out, "TestInsideCause/variable\n")
	for _, want := range []string{
		"LEAK 1 of 1   goroutine of harness_test.newLobby does not end", "guard_cause_test.go:", "(*lobby).run",
		"with it  *harness_test.lobby retained",
	} {
		if !strings.Contains(goroutine, want) {
			t.Errorf("the leak of the goroutine lacks %q:\n%s", want, goroutine)
		}
	}
	if !strings.Contains(variable, "LEAK 1 of 1   *harness_test.lobby retained") || !keptByLobbies.MatchString(variable) {
		t.Errorf("the leak of the object lacks its type or path:\n%s", variable)
	}
	for _, unwanted := range []string{"peer", "scenario", "cycle"} {
		if strings.Contains(out, unwanted) {
			t.Errorf("the output has %q, which a unit test has not:\n%s", unwanted, out)
		}
	}
}

// keptByLobbies matches the path with the name of the variable, which go test leaves out of a binary
// that it runs at once, or without.
var keptByLobbies = regexp.MustCompile(`kept by  (harness_test\.lobbies|a package variable).* -> \*harness_test\.lobby`)

type lobby struct {
	quit  chan struct{}
	ended bool
}

var lobbies = map[string]*lobby{}

func newLobby() *lobby {
	l := &lobby{quit: make(chan struct{})}
	go l.run()
	return l
}

func (l *lobby) run() {
	<-l.quit
	l.ended = true // until here the goroutine retains the lobby
}

func TestInsideCause(t *testing.T) {
	onlyInside(t)
	t.Run("goroutine", func(t *testing.T) {
		w := harness.Guard(t)
		if err := w.Add(newLobby(), "lobby"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("variable", func(t *testing.T) {
		w := harness.Guard(t)
		lobbies["one"] = &lobby{}
		if err := w.Add(lobbies["one"], "lobby"); err != nil {
			t.Fatal(err)
		}
	})
}
