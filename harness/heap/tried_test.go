package heap

import (
	"errors"
	"testing"
)

func TestUntriedRelease(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"go1.26":                          true,
		"go1.26.8":                        true,
		"go1.27.0":                        true,
		"go1.27rc1":                       true,
		"go1.27-20261101-RC00 cl/1":       true,
		"go1.26.8 X:goroutineleakprofile": true,
		"go1.27.0 X:mapsplitgroup":        false,
		"go1.2":                           false,
		"go1.25.3":                        false,
		"go1.270":                         false,
		"go1.28":                          false,
		"devel go1.27-0a1b2c3 Mon Aug 3":  false,
	} {
		err := untriedRelease(version)
		if (err == nil) != want || err != nil && !errors.Is(err, ErrUntriedRuntime) {
			t.Errorf("%s: got %v, want tried = %t", version, err, want)
		}
	}
}
