package hub

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func memoryHub(t *testing.T, cfg MemoryConfig) (*Hub, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	h, err := New(Config{Logger: slog.New(slog.NewTextHandler(log, nil)), Memory: cfg})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h, log
}

func TestMemoryLevels(t *testing.T) {
	t.Parallel()
	h, log := memoryHub(t, MemoryConfig{Interval: -1, Limit: 1000})
	sub, err := h.Subscribe("test", EventMemoryAlert)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		rss   int64
		level MemoryLevel
		event bool
	}{
		{700, MemoryNormal, false},
		{800, MemoryNormal, false},
		{801, MemoryAlert, true},
		{740, MemoryNormal, true},
		{820, MemoryAlert, true},
		{830, MemoryAlert, false},
		{920, MemoryRefusing, true},
		{880, MemoryRefusing, false},
		{850, MemoryAlert, true},
		{780, MemoryAlert, false},
		{750, MemoryNormal, true},
	} {
		h.observe(MemoryStats{At: time.Now(), RSS: step.rss})
		if got := h.Stats().Memory.Level; got != step.level {
			t.Errorf("at %d of 1000 the level is %v, want %v", step.rss, got, step.level)
		}
		if got := h.memory.refusing(); got != (step.level == MemoryRefusing) {
			t.Errorf("at %d of 1000 refusing is %v", step.rss, got)
		}
		select {
		case e := <-sub.Events():
			if !step.event || e.Memory.Level != step.level {
				t.Errorf("at %d: event %+v", step.rss, e)
			}
		default:
			if step.event {
				t.Errorf("at %d: no event", step.rss)
			}
		}
	}
	if got := strings.Count(log.String(), "memory level changed"); got != 6 {
		t.Errorf("%d log lines about the level, want 6:\n%s", got, log)
	}
}

func TestMemoryCollectsOncePerInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := memoryHub(t, MemoryConfig{Interval: time.Minute, Sample: time.Hour, HeapCollect: 100})
		for range 5 {
			h.observe(MemoryStats{At: time.Now(), HeapLive: 101})
		}
		if got := h.Stats().Memory.Collected; got != 1 {
			t.Errorf("%d collections were forced within an interval, want 1", got)
		}
		time.Sleep(time.Minute)
		h.observe(MemoryStats{At: time.Now(), HeapLive: 99})
		h.observe(MemoryStats{At: time.Now(), HeapLive: 101})
		if got := h.Stats().Memory.Collected; got != 2 {
			t.Errorf("%d collections after another interval, want 2", got)
		}
		h.Close()
	})
}

func TestMemoryLineEveryInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, log := memoryHub(t, MemoryConfig{RSSWarn: 1})
		time.Sleep(16 * time.Minute)
		h.Close() // joins the monitor, so that the log may be read
		if got := strings.Count(log.String(), "msg=memory "); got != 3 {
			t.Errorf("%d memory lines in 16 minutes, want 3:\n%s", got, log)
		}
		for _, word := range []string{"rss=", "heap=", "goroutines=", "connections=0", "level=WARN"} {
			if !strings.Contains(log.String(), word) {
				t.Errorf("the memory line does not say %s:\n%s", word, log)
			}
		}
	})
}

func TestMapsAreMadeAnewAfterAMassLeave(t *testing.T) {
	t.Parallel()
	h, _ := memoryHub(t, MemoryConfig{Interval: -1})
	s := &session{hub: h}
	h.sessions[s] = struct{}{}
	for _, tt := range []struct {
		peak, want int
	}{{200, 200}, {10_000, 1}} {
		h.crowd = crowd{tt.peak, tt.peak}
		if h.returnMemory(); h.crowd.peak != tt.peak {
			t.Errorf("gave back in the middle of an exodus from %d", tt.peak)
		}
		if h.returnMemory(); h.crowd.peak != tt.want {
			t.Errorf("after a peak of %d and one session left, peak is %d, want %d", tt.peak, h.crowd.peak, tt.want)
		}
	}
	if _, ok := h.sessions[s]; !ok {
		t.Error("a session was lost on the way")
	}
	delete(h.sessions, s)
}

// Most sessions are parked after a burst: the stacks of their readers are returned once,
// and again only after another burst.
func TestMemoryOfParkedReadersIsReturned(t *testing.T) {
	t.Parallel()
	h, _ := memoryHub(t, MemoryConfig{Interval: -1})
	const burst = 10_000
	h.memory.readers = crowd{burst, burst}
	for _, want := range []int{burst, 0, 0} { // readers end still; few end any more; all is returned
		if h.returnMemory(); h.memory.readers.peak != want {
			t.Errorf("the peak of readers is %d, want %d", h.memory.readers.peak, want)
		}
	}
}

func TestReadMemory(t *testing.T) {
	t.Parallel()
	r := readMemory()
	if r.RSS < 1<<20 || r.HeapLive <= 0 || r.HeapSys < r.HeapLive || r.Goroutines < 1 {
		t.Errorf("readMemory() = %+v, which no process has", r)
	}
}

// What a flood took is returned once it has been idle for some samples, though no
// session has left.
func TestIdleHeapIsReturned(t *testing.T) {
	h, _ := memoryHub(t, MemoryConfig{Interval: -1})
	for range idleSamples + 1 {
		h.returnMemory() // what other tests took
	}
	h.memory.forced = time.Time{}
	before := readMemory().HeapSys
	var c chain[byte]
	c.add(byteStock, make([]byte, 128<<20)...)
	c.drop(byteStock, c.length)
	took := readMemory().HeapSys - before
	for range idleSamples + 1 {
		h.returnMemory()
	}
	if left := readMemory().HeapSys - before; took < 64<<20 || left > took/4 {
		t.Errorf("of %d bytes that a flood took %d are held", took, left)
	}
}

func TestCrowdHasLeftOncePerPeak(t *testing.T) {
	t.Parallel()
	var c crowd
	for i, step := range []struct {
		n    int
		may  bool
		want bool
	}{
		{1000, true, false}, {400, true, false}, // many leave still
		{400, false, false}, {400, true, true}, {400, true, false}, // once it may, and once
		{150, true, false}, {150, true, true}, {10, true, false}, {10, true, false}, // few do not matter
	} {
		if got := c.hasLeft(step.n, step.may); got != step.want {
			t.Errorf("step %d, %d there: %v, want %v", i+1, step.n, got, step.want)
		}
	}
}
