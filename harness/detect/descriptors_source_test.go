//go:build linux

package detect_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// toyMeter duplicates descriptors.
type toyMeter struct{ fds []int }

// Measure duplicates a descriptor.
func (m *toyMeter) Measure(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return conn.Control(func(fd uintptr) {
		other, _ := syscall.Dup(int(fd)) // the duplicate
		m.fds = append(m.fds, other)
	})
}

// A descriptor that no object holds has the system call that can have opened it.
func TestDescriptorsOpenedBySystemCall(t *testing.T) {
	meter := &toyMeter{}
	t.Cleanup(func() {
		for _, fd := range meter.fds {
			syscall.Close(fd)
		}
	})
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := &detect.Descriptors{Roots: map[string]any{"meter": meter}}
	found := findIn(t, d, []int64{3}, func(_ int, dose int64) {
		for range dose {
			if err := meter.Measure(f); err != nil {
				t.Fatal(err)
			}
		}
	})
	got := wantOne(t, found, verdict.Descriptor, 3, "(*toyMeter).Measure")
	if want := fixture.LineOf(t, "descriptors_source_test.go", "the duplicate"); got.Born.Line != want.Line || !strings.Contains(got.Detail, "perhaps opened at") {
		t.Errorf("opened at %s, want line %d\n%s", got.Born, want.Line, got.Detail)
	}
}
