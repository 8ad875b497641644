package detect

import (
	"maps"
	"testing"
)

func TestParseMaps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, table string
		want        map[string]int64 // nil for an error
	}{
		{"empty", "", map[string]int64{}},
		{"memory", "1000-3000 rw-p 00000000 00:00 0 \n7f0000000000-7f0000001000 r--p 00000000 00:00 0 \n", map[string]int64{anonymous: 0x3000}},
		{"reserved", "1000-3000 ---p 00000000 00:00 0 \n", map[string]int64{}},
		{"named", "1000-3000 rw-p 00000000 00:00 0   [anon: Go: heap]\n3000-4000 rw-p 00000000 00:00 0 [heap]\n", map[string]int64{anonymous: 0x3000}},
		{"of_the_kernel", "1000-3000 rw-p 00000000 00:00 0 [stack]\n4000-5000 r-xp 00000000 00:00 0 [vdso]\n", map[string]int64{}},
		{"file", "1000-3000 r--s 00000000 fe:00 12 /a path (deleted)\n4000-5000 ---p 00000000 fe:00 12 /a path (deleted)\n", map[string]int64{"/a path (deleted)": 0x3000}},
		{"short", "1000-3000 rw-p\n", nil},
		{"no_address", "1000 rw-p 00000000 00:00 0\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseMaps([]byte(c.table))
			if (err != nil) != (c.want == nil) || !maps.Equal(got, c.want) {
				t.Errorf("%v, %v; want %v", got, err, c.want)
			}
		})
	}
}
