package settle_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/settle"
)

func TestUntilReturnsAsSoonAsTheCheckDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, looks := time.Now(), 0
		err := settle.Until(t.Context(), func() error {
			if looks++; time.Since(start) < time.Second {
				return errors.New("not yet")
			}
			return nil
		})
		if took := time.Since(start); err != nil || took > time.Second+50*time.Millisecond {
			t.Errorf("took %v: %v", took, err)
		}
		if looks < 20 || looks > 40 {
			t.Errorf("looked %d times in a second", looks)
		}
	})
}

func TestUntilReturnsTheLastReason(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var last error
		err := settle.Until(ctx, func() error {
			last = errors.New("still there")
			return last
		})
		if !errors.Is(err, last) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// A condition that holds when ctx ends counts, even if it came late.
func TestUntilLooksOnceMoreAtTheEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	looks := 0
	err := settle.Until(ctx, func() error {
		if looks++; looks > 1 {
			return nil
		}
		cancel()
		return errors.New("not yet")
	})
	if err != nil || looks != 2 {
		t.Errorf("%d looks: %v", looks, err)
	}
}
