package preflight

import "testing"

func TestPortsIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		low, high, reserved string
		want                int64
	}{
		{"32768", "60999", "", 28_232},
		{"1024", "65535", "", 64_512},
		{"32768", "60999", "8080", 28_232}, // outside
		{"32768", "60999", "40000", 28_231},
		{"32768", "60999", "30000-32768,60999-65535,50000-50009", 28_220},
		{"1000", "1009", "1000-1009", 0},
	} {
		if got := portsIn(tt.low, tt.high, tt.reserved); got != tt.want {
			t.Errorf("%s to %s without %q: %d ports, want %d", tt.low, tt.high, tt.reserved, got, tt.want)
		}
	}
}

// The limits of this system are plausible.
func TestSystemLimits(t *testing.T) {
	t.Parallel()
	l := SystemLimits(true)
	if l.Descriptors < 16 || l.Memory < 1<<20 || l.Ports < 1 || l.Ports > 1<<16 {
		t.Errorf("limits %+v", l)
	}
}
