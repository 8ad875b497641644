package detect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect/internal/planted"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Goroutines finds goroutines that do not end. It compares the goroutine profile
// with the baseline's: a goroutine is known by the function it was started with,
// so that one that was there before may wait at another line now.
//
// It does not see one that took the place of another of the same function which
// was there at the baseline and has ended, nor one that
// comes and goes between two readings, as a timer's callback does. The runtime's,
// the testing package's, Ginkgo's and os/signal's goroutines do not count, nor
// does the caller; idle connections of http.DefaultClient are closed before it
// looks, those of other clients are for the caller to close.
//
// The zero value is ready to use.
type Goroutines struct {
	// Labels are pprof labels that a goroutine must have to count, so that a
	// test tells its own from those of tests beside it: see Label.
	Labels map[string]string
	// Ignore says of further goroutines that they do not count. The stack begins
	// with the innermost frame.
	Ignore func(stack []verdict.Site) bool
	// Grace is how long Findings waits for the last ones to end; default 1s.
	Grace time.Duration

	reader goroutineReader
	base   *goroutineCount
	cycles []*goroutineCount
}

// goroutineCount is how many goroutines there are.
type goroutineCount struct {
	entries map[string]int64           // by the function they were started with
	stacks  map[string]*goroutineStack // by stack
}

type goroutineStack struct {
	frames []verdict.Site // innermost first
	entry  string
	count  int64
}

// Name implements Detector.
func (g *Goroutines) Name() string { return "goroutines" }

// Unit implements Detector.
func (g *Goroutines) Unit() string { return "goroutine" }

// Noise implements Detector.
func (g *Goroutines) Noise() float64 { return 0 }

// Plant implements Controlled by a goroutine that waits.
func (g *Goroutines) Plant(func(context.Context) (func(), error)) Plant {
	ctx, stop := context.WithCancel(context.Background())
	return Plant{
		Grow: func(_ int64, last bool) error {
			if last {
				planted.Goroutine(ctx)
			}
			return nil
		},
		Remove: stop,
		Is:     func(f verdict.Finding) bool { return f.Born.Function == stack.FuncName(planted.Goroutine) },
	}
}

// Shorten implements Brief by a shorter Grace.
func (g *Goroutines) Shorten(grace time.Duration) (restore func()) {
	before := g.Grace
	g.Grace = grace
	return func() { g.Grace = before }
}

// Baseline counts the goroutines there are, once all that were started run.
func (g *Goroutines) Baseline(ctx context.Context, _ *Reading) error {
	closeIdle()
	base, err := g.countStarted(ctx)
	if err != nil {
		return err
	}
	g.base, g.cycles = base, nil
	return nil
}

// countStarted counts when all goroutines that were started have run, and while
// patience lasts none wants to: one that is about to end would hide one that leaks.
func (g *Goroutines) countStarted(ctx context.Context) (base *goroutineCount, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	patience := time.Now().Add(g.grace())
	settled := settle.Until(ctx, func() error {
		busy := heap.Metric("/sched/goroutines/runnable:goroutines") + heap.Metric("/sched/goroutines/running:goroutines")
		if base, err = g.count(); err != nil {
			return nil // it will not get better
		}
		if n := base.entries[betweenLives]; n > 0 {
			return fmt.Errorf("goroutines: %d have not run yet", n)
		}
		if busy > 1 && time.Now().Before(patience) {
			return fmt.Errorf("goroutines: %d are busy", busy-1)
		}
		return nil
	})
	return base, cmp.Or(err, settled)
}

// Cycle counts the goroutines when their number changes no more.
func (g *Goroutines) Cycle(ctx context.Context, _ *Reading) error {
	if g.base == nil {
		return ErrNoBaseline
	}
	closeIdle()
	var now *goroutineCount
	err := settle.Flat(ctx, g.grace(), func() (left int64, err error) {
		if now, err = g.count(); err == nil {
			left = now.beyond(g.base)
		}
		return left, err
	})
	if err != nil {
		return err
	}
	g.cycles = append(g.cycles, now)
	return nil
}

// Quiet returns an error that names the goroutines there are beyond the baseline,
// or nil: a check for settle.Until.
func (g *Goroutines) Quiet() error {
	if g.base == nil {
		return ErrNoBaseline
	}
	now, err := g.count()
	if err != nil {
		return err
	}
	var extra []string
	for _, entry := range slices.Sorted(maps.Keys(now.entries)) {
		if n := now.entries[entry] - g.base.entries[entry]; n > 0 {
			extra = append(extra, fmt.Sprintf("%d of %s", n, entry))
		}
	}
	if extra != nil {
		return fmt.Errorf("goroutines: %s", strings.Join(extra, ", "))
	}
	return nil
}

// Findings returns one finding for each place that started goroutines which are
// still there. It gives them Grace to end, but does not wait if the last cycle
// left nothing: call it while the target is quiet.
func (g *Goroutines) Findings(ctx context.Context) ([]verdict.Finding, error) {
	if len(g.cycles) == 0 {
		return nil, ErrNoCycle
	}
	bounded, cancel := context.WithTimeout(ctx, g.grace())
	settled := settle.Until(bounded, g.Quiet)
	cancel()
	if settled == nil { // a callback that runs since then is none of them
		return nil, nil
	}
	now, err := g.count()
	if err != nil {
		return nil, err
	}
	found, err := g.extra(now)
	if err != nil {
		return nil, err
	}
	return findingsOf(found), nil
}

func (g *Goroutines) grace() time.Duration {
	if g.Grace > 0 {
		return g.Grace
	}
	return time.Second
}

// count reads the profile and leaves out what does not count.
func (g *Goroutines) count() (*goroutineCount, error) {
	groups, err := g.read()
	if err != nil {
		return nil, err
	}
	// A profile in which we cannot see ourselves would show no leak either.
	if !slices.ContainsFunc(groups, func(g *goroutineGroup) bool { return isLooking(g.frames) }) {
		return nil, errors.New("goroutines: the profile does not show the goroutine that reads it")
	}
	c := &goroutineCount{map[string]int64{}, map[string]*goroutineStack{}}
	for _, group := range groups {
		if !group.has(g.Labels) || isHarmless(group.frames) || g.Ignore != nil && g.Ignore(group.frames) {
			continue
		}
		entry, key := entryOf(group.frames), stack.Key(group.frames)
		if c.stacks[key] == nil {
			c.stacks[key] = &goroutineStack{frames: group.frames, entry: entry}
		}
		c.stacks[key].count += group.count
		c.entries[entry] += group.count
	}
	return c, nil
}

func (g *Goroutines) read() ([]*goroutineGroup, error) {
	if g.Labels != nil {
		return readGoroutines("goroutine")
	}
	return g.reader.read()
}

// beyond is how many more there are than at the baseline.
func (c *goroutineCount) beyond(base *goroutineCount) (n int64) {
	for entry, count := range c.entries {
		n += max(0, count-base.entries[entry])
	}
	return n
}
