package room

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

type door struct{ closed int }

func (d *door) Close() error { d.closed++; return nil }

// A room whose guests have left holds none of them.
func TestLeavesNothing(t *testing.T) {
	r := New(context.Background())
	var d door
	warmUp()
	goroutines, objects := 0, uint64(0)
	for round := range 2 {
		for i := range 300 {
			id := ID(fmt.Sprint(round, "-", i))
			r.Enter(id, &d)
			if err := r.Leave(id); err != nil {
				t.Fatal(err)
			}
		}
		if !r.Wait(10 * time.Second) {
			t.Fatal("guests are lent out for ever")
		}
		now, live := runtime.NumGoroutine(), liveObjects()
		if round > 0 && (now >= goroutines+150 || live >= objects+150) {
			t.Errorf("%d goroutines and %d objects, %d and %d before", now, live, goroutines, objects)
		}
		goroutines, objects = now, live
	}
	if d.closed != 600 || r.len() != 0 || r.present != 0 || r.bytes.Load() != 0 || len(r.order) != 0 || r.first != nil {
		t.Errorf("%d doors closed; left is %+v", d.closed, r.guests)
	}
}

// warmUp makes the runtime allocate goroutine descriptors, which it never frees.
func warmUp() {
	var all sync.WaitGroup
	end := make(chan struct{})
	for range 400 {
		all.Go(func() { <-end })
	}
	close(end)
	all.Wait()
}

func liveObjects() uint64 {
	runtime.GC()
	runtime.GC()
	var st runtime.MemStats
	runtime.ReadMemStats(&st)
	return st.HeapObjects
}
