package loadgen

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// agenda runs actions when they are due. One goroutine waits for the next; each
// action has a goroutine of its own for as long as it takes, and there are at most
// so many at once: whatever is due beyond that waits, and the wait counts as slip.
// There is no timer per action, so an idle peer costs none.
type agenda struct {
	slip    func(time.Duration) // told by how much each action is late
	running chan struct{}

	mu    sync.Mutex
	queue queue
	next  uint64
	woken chan struct{} // an earlier action came, or one ended; has room for one
	busy  int
}

func newAgenda(atOnce int, slip func(time.Duration)) *agenda {
	return &agenda{slip: slip, running: make(chan struct{}, atOnce), woken: make(chan struct{}, 1)}
}

// add puts an action on the agenda. It may be called by actions.
func (a *agenda) add(at time.Time, do func(context.Context, Tick)) {
	a.mu.Lock()
	heap.Push(&a.queue, entry{at, a.next, do})
	a.next++
	a.mu.Unlock()
	a.wake()
}

// paced puts n actions on the agenda, each when the one before it is due: however
// many they are, one of them is kept.
func (a *agenda) paced(p pace, n int, do func(ctx context.Context, i int, t Tick)) {
	a.pacedOf(p, n, func(int) bool { return true }, do)
}

// pacedOf puts those of n actions on the agenda that are ours.
func (a *agenda) pacedOf(p pace, n int, ours func(i int) bool, do func(ctx context.Context, i int, t Tick)) {
	var from func(i int)
	from = func(i int) {
		for i < n && !ours(i) {
			i++
		}
		if i == n {
			return
		}
		a.add(p.at(i), func(ctx context.Context, t Tick) {
			from(i + 1)
			do(ctx, i, t)
		})
	}
	from(0)
}

// run runs actions until there are none, or ctx ends; then what is left is
// forgotten. It returns when all that were begun have ended.
func (a *agenda) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		e, wait := a.due(time.Now())
		switch {
		case wait == finished || ctx.Err() != nil:
			a.finish()
			return
		case wait > 0:
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-a.woken:
			case <-ctx.Done():
			}
		default:
			a.begin(ctx, e)
		}
	}
}

// What due answers when there is no action to wait for.
const (
	finished  time.Duration = -1
	untilWake               = time.Hour // an action is running and may add more
)

// due takes the next action if it is due, or says how long to wait.
func (a *agenda) due(now time.Time) (entry, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case len(a.queue) == 0 && a.busy == 0:
		return entry{}, finished
	case len(a.queue) == 0:
		return entry{}, untilWake
	case a.queue[0].at.After(now):
		return entry{}, a.queue[0].at.Sub(now)
	}
	a.busy++
	return heap.Pop(&a.queue).(entry), 0
}

func (a *agenda) begin(ctx context.Context, e entry) {
	a.running <- struct{}{}
	t := Tick{Intended: e.at, Start: time.Now()}
	a.slip(t.Start.Sub(t.Intended))
	go func() {
		defer a.end()
		e.do(ctx, t)
	}()
}

func (a *agenda) end() {
	a.mu.Lock()
	a.busy--
	a.mu.Unlock()
	<-a.running
	a.wake()
}

// finish forgets what is not begun and waits for the rest.
func (a *agenda) finish() {
	for range cap(a.running) {
		a.running <- struct{}{}
	}
	for range cap(a.running) {
		<-a.running
	}
	a.mu.Lock()
	a.queue = nil
	a.mu.Unlock()
}

func (a *agenda) wake() {
	select {
	case a.woken <- struct{}{}:
	default:
	}
}

// entry is an action and when it is due.
type entry struct {
	at    time.Time
	order uint64 // of two that are due together, the one that came first
	do    func(context.Context, Tick)
}

// queue is a heap of entries, the next one first.
type queue []entry

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(entry)) }

func (q queue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].order < q[j].order
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = entry{} // what it does is not kept by the array
	*q = (*q)[:last]
	return e
}
