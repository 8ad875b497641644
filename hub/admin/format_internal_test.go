package admin

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func TestTexts(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		bytesText(0): "0 B", bytesText(1023): "1023 B", bytesText(1536): "1.5 KiB", bytesText(300 << 20): "300 MiB", bytesText(5 << 50): "5120 TiB",
		countText(0): "0", countText(999): "999", countText(1000): "1,000", countText(-1234567): "-1,234,567",
		timeText(-1): "0 s", timeText(30 * time.Microsecond): "30 µs", timeText(2 * time.Millisecond): "2 ms", timeText(59 * time.Second): "59 s",
		timeText(61 * time.Second): "1 min 1 s", timeText(47*time.Hour + time.Minute): "47 h 1 min", timeText(72 * time.Hour): "3 days",
		rateText(0): "0", rateText(0.123): "0.12", rateText(1.25): "1.2", rateText(1234.5): "1,234",
		foreignText("meadow"): "meadow", foreignText(""): `""`, foreignText("a\u202eb"): `"a\u202eb"`, foreignText("\xff"): "\uFFFD",
		foreignText("a\u00a0b\u3000"):        `"a\u00a0b\u3000"`,
		foreignText(strings.Repeat("é", 49)): strings.Repeat("é", 48) + "…",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A text from a peer becomes one that shows as it is, and is short.
func FuzzForeignText(f *testing.F) {
	for _, s := range []string{"", "meadow", "a\u202eb", "\xff\xfe", strings.Repeat("\U0001F54A", 80), "\x00\x1b[31m", "\u00a0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := foreignText(s)
		if len(got) == 0 || utf8.RuneCountInString(got) > 10*longestText+3 || !utf8.ValidString(got) {
			t.Errorf("%q becomes %q", s, got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q becomes %q, in which %q does not show", s, got, got[i:])
		}
	})
}

// Each reason is explained, and nothing else is.
func TestReasonsHaveMeanings(t *testing.T) {
	t.Parallel()
	reasons := map[string]bool{}
	for r := range hub.NumRefuseReasons {
		reasons[r.String()] = true
	}
	for r := range wire.NumCloseReasons {
		reasons[r.String()] = true
	}
	for r := range reasons {
		if meanings[r] == "" {
			t.Errorf("%s has no meaning", r)
		}
	}
	if len(meanings) != len(reasons) {
		t.Errorf("there are %d meanings for %d reasons", len(meanings), len(reasons))
	}
}

func TestTopKeepsTheLargest(t *testing.T) {
	t.Parallel()
	top := newTop(3, func(a, b int) int { return a - b })
	for _, v := range []int{4, 1, 5, 5, 2, 9, 3} {
		top.add(v)
	}
	if len(top.list) != 3 || top.list[0] != 9 || top.list[1] != 5 || top.list[2] != 5 {
		t.Errorf("it keeps %v, want 9, 5, 5", top.list)
	}
}

// What fits is what the scarcest of the bounds allows.
func TestRoom(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		st    hub.Stats
		peers int64
		bound string
	}{
		{"connections", hub.Stats{Admitted: 10, MaxConnections: 100}, 90, "connections"},
		{"memory", hub.Stats{Admitted: 10, MaxConnections: 1e6, Memory: hub.MemoryStats{RSS: 40e6, Limit: 100e6}}, 50_000_000 / 14336, "memory"},
		{"beyond", hub.Stats{Admitted: 10, MaxConnections: 5, Memory: hub.MemoryStats{RSS: 95e6, Limit: 100e6}}, 0, "connections"},
	} {
		if got := roomOf(tt.st); got.Peers != tt.peers || got.Bound != tt.bound {
			t.Errorf("%s: %d by %s, want %d by %s", tt.name, got.Peers, got.Bound, tt.peers, tt.bound)
		}
	}
}

// A plot draws each value at its time, leaves a gap where a value is missing, and repeats its values as text.
func TestPlots(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var moments []hub.Moment
	for i := range 121 {
		m := hub.Moment{At: now.Add(time.Duration(i-120) * 30 * time.Second), Sessions: i, RSS: 2 << 20, Relayed: uint64(300 * i), Refused: uint64(i)}
		if i%2 == 1 {
			m.RelayP99, m.RelayMedian = 2*time.Millisecond, time.Millisecond
		}
		moments = append(moments, m)
	}
	list := plots(moments, now)
	if p := list[0]; p.Title != "Connections" || p.Most != "120" || p.Lines[0].Now != "120" || p.Lines[0].Least != "0" ||
		!strings.HasPrefix(p.Lines[0].Path, "M0 100.0h0L5 99.2") || !strings.HasSuffix(p.Lines[0].Path, "L600 0.0") {
		t.Errorf("the first plot is %+v", p)
	}
	if l := list[3].Lines[0]; l.Now != "10.0" || l.Least != "10.0" || strings.Count(l.Path, "M") != 1 || strings.Count(l.Path, "L") != 119 {
		t.Errorf("relayed messages are %+v, want 10 a second from the second moment on", l)
	}
	if l := list[4].Lines[0]; l.Most != "2 ms" || strings.Count(l.Path, "M") != 60 || strings.Contains(l.Path, "L") {
		t.Errorf("the latency is %+v, want 60 dots", l)
	}
	if l := list[5].Lines[0]; l.Most != "0 B" || !strings.Contains(l.Path, "L600 100.0") {
		t.Errorf("nothing waits, but the plot is %+v", l)
	}
	table := tableOf(list, moments)
	if len(table.Rows) < 10 || len(table.Rows) > 13 || table.Rows[0][1] != "120" || table.Rows[0][4] != "0" || len(table.Heads)+1 != len(table.Rows[0]) {
		t.Errorf("the table is %v", table)
	}
	if old := plots(moments[:2], now.Add(2*time.Hour)); old[0].Lines[0].Path != "" {
		t.Errorf("what is older than an hour is drawn: %s", old[0].Lines[0].Path)
	}
}
