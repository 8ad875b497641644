package harness_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

// exampleTest stands for the *testing.T of a test. It prints the first lines of errors.
type exampleTest struct {
	name     string
	cleanups []func()
}

func (*exampleTest) Helper()             {}
func (t *exampleTest) Name() string      { return t.name }
func (*exampleTest) Logf(string, ...any) {}
func (*exampleTest) Failed() bool        { return false }
func (t *exampleTest) Cleanup(f func())  { t.cleanups = append(t.cleanups, f) }

func (*exampleTest) Errorf(format string, args ...any) {
	lines := strings.Split(fmt.Sprintf(format, args...), "\n")
	fmt.Println(strings.Join(lines[:2], "\n"))
}

// end runs the cleanups, as the testing package does after a test.
func (t *exampleTest) end() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}

// A test of a lobby that starts a goroutine and never ends it.
func ExampleGuard() {
	t := &exampleTest{name: "TestLobby"} // in a test, the *testing.T
	harness.Guard(t)
	l := newLobby()
	t.end()
	close(l.quit)
	// Output:
	// leak guard: TestLobby
	// LEAK 1 of 1   goroutine of harness_test.newLobby does not end
}

// A test leaves a room in a hub that other tests use, too.
func ExampleCensus() {
	hub := fixture.NewRooms()
	t := &exampleTest{name: "TestJoin"}
	harness.Guard(t, harness.Census(hub, hub))
	hub.Join("lobby")
	t.end()
	// Output:
	// leak guard: TestJoin
	// LEAK 1 of 1   fixture.Rooms.rooms grows
}

// Of two parallel tests only the one that leaks is accused.
func ExampleGuardParallel() {
	clean, leaks := &exampleTest{name: "TestClean"}, &exampleTest{name: "TestLeaks"}
	quit := make(chan struct{})
	parallel := func(t *exampleTest, body func()) (done chan struct{}) {
		done = make(chan struct{})
		go func() { // as testing runs a parallel test
			defer close(done)
			harness.GuardParallel(context.Background(), t)
			body()
			t.end()
		}()
		return done
	}
	first := parallel(leaks, func() { startWaiter(quit) })
	second := parallel(clean, func() {})
	<-first
	<-second
	close(quit)
	// Output:
	// leak guard: TestLeaks
	// LEAK 1 of 1   goroutine of harness_test.startWaiter does not end
}

func startWaiter(quit chan struct{}) {
	go func() { <-quit }()
}
