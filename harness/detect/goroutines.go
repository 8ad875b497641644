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

// Goroutines finds goroutines that do not end. It compares the goroutine profile with that of
// the baseline by entry function, the function that the go statement calls. Its limits are in
// the package documentation.
//
// The zero value is ready to use.
type Goroutines struct {
	// Labels are pprof labels that a goroutine must have to count. They separate a test's
	// goroutines from those of parallel tests: see Label.
	Labels map[string]string
	// Ignore reports whether a goroutine does not count. The stack begins with the innermost
	// frame.
	Ignore func(stack []verdict.Site) bool
	// Grace is how long Findings waits for goroutines to end; default 1s.
	Grace time.Duration

	reader goroutineReader
	base   *goroutineCount
	cycles []*goroutineCount
}

// goroutineCount counts goroutines by entry function and by stack.
type goroutineCount struct {
	entries map[string]int64
	stacks  map[string]*goroutineStack
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

// Plant implements Controlled with a goroutine that waits.
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

// Shorten implements Brief with a shorter Grace.
func (g *Goroutines) Shorten(grace time.Duration) (restore func()) {
	before := g.Grace
	g.Grace = grace
	return func() { g.Grace = before }
}

// Baseline counts the goroutines once all that were started have run.
func (g *Goroutines) Baseline(ctx context.Context, _ *Reading) error {
	closeIdle()
	base, err := g.countStarted(ctx)
	if err != nil {
		return err
	}
	g.base, g.cycles = base, nil
	return nil
}

// countStarted counts the goroutines once all that were started have run. For the length of
// Grace it also waits until none is runnable: a goroutine that ends after the baseline would
// hide one that leaks.
func (g *Goroutines) countStarted(ctx context.Context) (base *goroutineCount, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	patience := time.Now().Add(g.grace())
	settled := settle.Until(ctx, func() error {
		busy := heap.Metric("/sched/goroutines/runnable:goroutines") + heap.Metric("/sched/goroutines/running:goroutines")
		if base, err = g.count(); err != nil {
			return nil // waiting does not help
		}
		if n := base.entries[startingOrEnding]; n > 0 {
			return fmt.Errorf("goroutines: %d have not run yet", n)
		}
		if busy > 1 && time.Now().Before(patience) {
			return fmt.Errorf("goroutines: %d are busy", busy-1)
		}
		return nil
	})
	return base, cmp.Or(err, settled)
}

// Cycle counts the goroutines once their number no longer changes.
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

// Quiet returns an error that names the goroutines beyond the baseline, or nil. It is a check
// for settle.Until.
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

// Findings returns a finding for each go statement whose goroutines have not ended. It waits
// for at most Grace until none is left. Call it while the target is quiet.
func (g *Goroutines) Findings(ctx context.Context) ([]verdict.Finding, error) {
	if len(g.cycles) == 0 {
		return nil, ErrNoCycle
	}
	// The end of a context with a timeout is a goroutine of its own, which would be found.
	end, quiet := time.Now().Add(g.grace()), false
	_ = settle.Until(ctx, func() error { // at the end of the context, what is there now is found
		err := g.Quiet()
		if quiet = err == nil; quiet || time.Now().After(end) {
			return nil
		}
		return err
	})
	if quiet { // a goroutine that was started since then is no leak
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

// Left returns how many more goroutines there are than at the baseline.
func (g *Goroutines) Left() (int64, error) {
	if g.base == nil {
		return 0, ErrNoBaseline
	}
	now, err := g.count()
	if err != nil {
		return 0, err
	}
	return now.beyond(g.base), nil
}

func (g *Goroutines) grace() time.Duration {
	if g.Grace > 0 {
		return g.Grace
	}
	return time.Second
}

// count counts the goroutines of the profile, without those that do not count.
func (g *Goroutines) count() (*goroutineCount, error) {
	groups, err := g.read()
	if err != nil {
		return nil, err
	}
	// A profile that lacks the reading goroutine would lack leaks, too.
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

// beyond returns how many more goroutines there are than at the baseline.
func (c *goroutineCount) beyond(base *goroutineCount) (n int64) {
	for entry, count := range c.entries {
		n += max(0, count-base.entries[entry])
	}
	return n
}
