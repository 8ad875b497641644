package units_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ got, want string }{
		{units.Count(0), "0"}, {units.Count(999), "999"}, {units.Count(1009), "1,009"}, {units.Count(-1234567), "-1,234,567"},
		{units.Bytes(0), "0 B"}, {units.Bytes(412), "412 B"}, {units.Bytes(999.9), "1.0 kB"}, {units.Bytes(1_247_124), "1.2 MB"}, {units.Bytes(355_968_000), "356 MB"}, {units.Bytes(-2048), "-2.0 kB"}, {units.Bytes(3.2e13), "32 TB"},
		{units.Number(0), "0"}, {units.Number(1.5), "1.50"}, {units.Number(12.34), "12.3"}, {units.Number(1234.5), "1,235"}, {units.Number(0.0012), "0.0012"},
		{units.Rate(1), "1.00"}, {units.Rate(0.01), "1 in 100"}, {units.PerPeer(0.01), "1 per 100 peers"}, {units.PerPeer(2.5), "2.50 per peer"},
		{units.OneIn(140.9, "object"), "1 object per 140 peers"}, {units.OneIn(1, "object"), "1 object per 1 peer"}, {units.OneIn(0.3, "entry"), "4 entries per peer"},
		{units.Seconds(0.25), "0.2 s"}, {units.Seconds(21), "21 s"}, {units.Seconds(250), "4 m 10 s"}, {units.Seconds(93780), "26 h 3 m"},
		{units.Duration(12_345_678), "12.3ms"}, {units.Duration(1_234_567_890), "1.23s"}, {units.Duration(0), "0s"}, {units.Duration(950), "1µs"},
		{units.Short(0.25), "0.25"}, {units.Short(1500), "1,500"}, {units.Short(25_000), "25k"}, {units.Short(2e6), "2M"}, {units.Short(0.0005), "0.0005"}, {units.Short(-12_340), "-12.3k"},
		{units.Plural(2, "life", "lives"), "2 lives"}, {units.Plural(int64(1), "life", "lives"), "1 life"}, {units.Plural(3, "entry"), "3 entries"},
		{units.Signed(1009), "+1,009"}, {units.Signed(-3), "-3"}, {units.Quantity(2e6, units.InBytes), "2.0 MB"}, {units.Quantity(2, "peers"), "2"},
		{units.Because("it failed", ""), "it failed"}, {units.Because("it failed", "no disk"), "it failed: no disk"}, {units.Aside("repair it", "#12"), "repair it (#12)"},
		{units.List(nil), ""}, {units.List([]string{"a"}), "a"}, {units.List([]string{"a", "b", "c"}), "a, b and c"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
