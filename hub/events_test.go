package hub_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
)

func TestSubscribeLimitNamesHolders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MaxSubscriptions: 2})
	first, err := w.hub.Subscribe("dashboard")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.hub.Subscribe("audit"); err != nil {
		t.Fatal(err)
	}
	_, err = w.hub.Subscribe("third")
	if !errors.Is(err, hub.ErrTooManySubscriptions) || !strings.Contains(err.Error(), "dashboard") || !strings.Contains(err.Error(), "audit") {
		t.Fatalf("Subscribe beyond the limit: %v, want ErrTooManySubscriptions with the holders' names", err)
	}
	first.Close()
	if _, err := w.hub.Subscribe("third"); err != nil {
		t.Fatalf("after a Close: %v", err)
	}
}
