package schedule

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Schedule runs actions when they are due. One goroutine waits for the next action; each
// action runs in a goroutine of its own. There is no timer for each action, so an idle
// peer costs none. Its methods may be called concurrently.
type Schedule struct {
	slip    func(time.Duration) // receives by how much each action began late
	running chan struct{}

	mu    sync.Mutex
	queue queue
	next  uint64
	wake  chan struct{} // of capacity 1: an earlier action was added, or one has ended
	busy  int
}

// New returns an empty schedule that runs at most atOnce actions concurrently. An action
// that is due beyond that waits, and the wait counts as slip.
func New(atOnce int, slip func(time.Duration)) *Schedule {
	return &Schedule{slip: slip, running: make(chan struct{}, atOnce), wake: make(chan struct{}, 1)}
}

// Add schedules an action. Actions may call it.
func (s *Schedule) Add(at time.Time, run func(context.Context, Tick)) {
	s.mu.Lock()
	heap.Push(&s.queue, action{at, s.next, run})
	s.next++
	s.mu.Unlock()
	s.notify()
}

// AddPaced schedules n actions. Each is added when the one before it is due, so that the
// schedule holds one of them at a time.
func (s *Schedule) AddPaced(p Pace, n int, run func(ctx context.Context, i int, t Tick)) {
	s.AddPacedIf(p, n, func(int) bool { return true }, run)
}

// AddPacedIf schedules those of n actions for which ours returns true.
func (s *Schedule) AddPacedIf(p Pace, n int, ours func(i int) bool, run func(ctx context.Context, i int, t Tick)) {
	var from func(i int)
	from = func(i int) {
		for i < n && !ours(i) {
			i++
		}
		if i == n {
			return
		}
		s.Add(p.At(i), func(ctx context.Context, t Tick) {
			from(i + 1)
			run(ctx, i, t)
		})
	}
	from(0)
}

// Len returns how many actions wait for their time.
func (s *Schedule) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// Run runs actions until none is left or ctx ends, and then drops the rest. It returns
// when all actions that began have ended.
func (s *Schedule) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		a, wait := s.due(time.Now())
		switch {
		case wait == finished || ctx.Err() != nil:
			s.drain()
			return
		case wait > 0:
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-s.wake:
			case <-ctx.Done():
			}
		default:
			s.begin(ctx, a)
		}
	}
}

// The waits that due returns if no action is due or will be.
const (
	finished  time.Duration = -1
	untilWake               = time.Hour // a running action may add more
)

// due removes and returns the next action if it is due, or returns how long to wait.
func (s *Schedule) due(now time.Time) (action, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.queue) == 0 && s.busy == 0:
		return action{}, finished
	case len(s.queue) == 0:
		return action{}, untilWake
	case s.queue[0].at.After(now):
		return action{}, s.queue[0].at.Sub(now)
	}
	s.busy++
	return heap.Pop(&s.queue).(action), 0
}

func (s *Schedule) begin(ctx context.Context, a action) {
	s.running <- struct{}{}
	t := Tick{Intended: a.at, Start: time.Now()}
	s.slip(t.Start.Sub(t.Intended))
	go func() {
		defer s.ended()
		a.run(ctx, t)
	}()
}

func (s *Schedule) ended() {
	s.mu.Lock()
	s.busy--
	s.mu.Unlock()
	<-s.running
	s.notify()
}

// drain waits for the running actions and drops those that have not begun.
func (s *Schedule) drain() {
	for range cap(s.running) {
		s.running <- struct{}{}
	}
	for range cap(s.running) {
		<-s.running
	}
	s.mu.Lock()
	s.queue = nil
	s.mu.Unlock()
}

func (s *Schedule) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// action is a function and when it is due.
type action struct {
	at    time.Time
	order uint64 // actions due at the same time run in the order in which they were added
	run   func(context.Context, Tick)
}

// queue is a heap of actions with the next one first.
type queue []action

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(action)) }

func (q queue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].order < q[j].order
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	a := (*q)[last]
	(*q)[last] = action{} // the array must not retain its closure
	*q = (*q)[:last]
	return a
}
