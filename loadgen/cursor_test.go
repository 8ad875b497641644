package loadgen

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// The sum of the deltas of several processes is exactly what one process would have
// counted, however often they are sent: each histogram, counter and total.
func TestMergingLosesNothing(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	rounds := 20
	if testing.Short() { // one goroutine, and each round clears megabytes
		rounds = 1
	}
	for range rounds {
		whole := testRunner()
		sum := testRunner()
		parts := make([]*runner, 1+rng.IntN(4))
		accounts := make([]cursor, len(parts))
		for i := range parts {
			parts[i] = testRunner()
			accounts[i] = cursor{fleet: parts[i].fleet, counters: parts[i].counters}
		}
		for range 400 {
			i := rng.IntN(len(parts))
			countSomething(rng.Uint64(), whole, parts[i])
			if rng.IntN(20) == 0 {
				sum.add(overTheWire(t, accounts[i].take()))
			}
		}
		for i := range accounts {
			sum.add(overTheWire(t, accounts[i].take()))
		}
		if got, want := asText(t, sum), asText(t, whole); got != want {
			t.Fatalf("seed %d: the sum of %d parts is\n%.2000s\nwant\n%.2000s", seed, len(parts), got, want)
		}
	}
}

// testRunner returns a runner without a target.
func testRunner() *runner {
	return &runner{fleet: newFleet("", codec.PeerPigeon{}), counters: newCounters(), own: newOwn(time.Now())}
}

// countSomething has several runners count the same thing.
func countSomething(choice uint64, runners ...*runner) {
	for _, r := range runners {
		rng := rand.New(rand.NewPCG(choice, 1))
		start := time.Unix(1_700_000_000, 0)
		d := time.Duration(rng.ExpFloat64() * float64(20*time.Millisecond) * float64(1+rng.IntN(1000)))
		name := fmt.Sprint("scenario-", rng.IntN(3))
		switch rng.IntN(6) {
		case 0:
			r.fleet.rec.AddUntil(latency.Hop(rng.IntN(int(latency.NumHops))), schedule.Tick{Intended: start, Start: start.Add(d / 3)}, start.Add(d))
		case 1:
			r.fleet.rec.AddSlip(d)
		case 2:
			r.counters.planned(name)
		case 3:
			r.counters.landed(name)
		case 4:
			r.counters.failed(name, fmt.Errorf("error %d", rng.IntN(3)))
		case 5:
			r.fleet.sent.Add(1)
			r.fleet.ledger.Add(delivery.Counts{Sent: 2, Delivered: 1, Explained: -1, Reordered: 1})
		}
	}
}

func overTheWire(t *testing.T, b cluster.Delta) cluster.Delta {
	t.Helper()
	text, err := json.Marshal(cluster.Parcel{Delta: &b})
	if err != nil {
		t.Fatal(err)
	}
	var f cluster.Parcel
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return *f.Delta
}

// asText returns everything that a runner counted except the times of day, because clocks
// differ.
func asText(t *testing.T, r *runner) string {
	t.Helper()
	times := r.fleet.rec.Snapshot()
	for i := range times.Hops {
		times.Hops[i].First, times.Hops[i].Last = time.Time{}, time.Time{}
	}
	scenarios := map[string]verdict.Scenario{}
	for _, s := range r.counters.scenarios() {
		scenarios[s.Name] = s
	}
	text, err := json.Marshal(map[string]any{"times": times, "scenarios": scenarios, "errors": r.counters.errorsSeen(), "totals": r.fleet.ledger.Totals(), "sent": r.fleet.sent.Load()})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
