package harness_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

// A map entry that stays in a hub which lives on is found if the guard has the hub, with the field and
// the line that inserts. An entry that a goroutine of the test removes later is no leak.
func TestGuardCensus(t *testing.T) {
	t.Parallel()
	out, failed := inside(t, "^TestInsideCensus$")
	wantFailed(t, out, failed, "TestInsideCensus", "TestInsideCensus/own_hub", "TestInsideCensus/shared_hub")
	if n := strings.Count(out, "LEAK 1 of 1   fixture.Rooms.rooms grows"); n != 2 || strings.Count(out, "is where it went in") != 2 {
		t.Errorf("%d leaks of rooms, want 2 with the line:\n%s", n, out)
	}
}

var sharedHub = fixture.NewRooms()

func TestInsideCensus(t *testing.T) {
	onlyInside(t)
	t.Run("shared hub", func(t *testing.T) {
		harness.Guard(t, harness.Census(sharedHub, sharedHub))
		sharedHub.Join("one")
	})
	t.Run("leaves late", func(t *testing.T) {
		harness.Guard(t, harness.Census(sharedHub, sharedHub))
		sharedHub.Join("two")
		go func() {
			time.Sleep(50 * time.Millisecond)
			sharedHub.Leave("two")
		}()
	})
	t.Run("own hub", func(t *testing.T) {
		w := harness.Guard(t)
		h := fixture.NewRooms()
		if err := w.Add(h, "hub"); err != nil {
			t.Fatal(err)
		}
		harness.Guard(t, harness.Census(h, h))
		h.Join("one")
	})
}
