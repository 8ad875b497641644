package admin

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAuditChecksOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		checks, result := 0, error(nil)
		a := &audit{check: func() error { checks++; return result }}
		want := func(when string, violations, made int) {
			t.Helper()
			if got := a.count(); got != violations || checks != made {
				t.Errorf("%s: %d violations after %d checks, want %d after %d", when, got, checks, violations, made)
			}
		}
		want("at first", 0, 1)
		result = errors.Join(errors.New("a"), errors.New("b"))
		time.Sleep(auditEvery - time.Nanosecond)
		want("before a minute", 0, 1)
		time.Sleep(time.Nanosecond)
		want("after a minute", 2, 2)
		result = nil
		time.Sleep(auditEvery)
		want("once repaired", 0, 3)
	})
}
