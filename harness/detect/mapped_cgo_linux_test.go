//go:build cgo

package detect_test

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
)

func TestMappedIsOffWithC(t *testing.T) {
	t.Parallel()
	if why, do := (&detect.Mapped{}).Off(); !strings.Contains(why, "linked with C") || !strings.Contains(do, "CGO_ENABLED=0") {
		t.Errorf("off because %q, do %q", why, do)
	}
}
