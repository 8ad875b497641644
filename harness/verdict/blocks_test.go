package verdict_test

import (
	"slices"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// saw is a heap that climbs from its floor between collections and is read all
// the time. In every other block 100 peers come and leave so many bytes each.
func saw(blocks int, perPeer float64) []verdict.Point {
	var points []verdict.Point
	dose, collections, floor := 0.0, uint64(1), 1e6
	for b := range blocks {
		for i := range 12 {
			if b%2 == 1 && i < 10 {
				dose += 10
				floor += 10 * perPeer
			}
			height := float64((i*7 + b*5) % 11)
			if height == 0 {
				collections++
			}
			points = append(points, verdict.Point{Block: b, Dose: dose, Value: floor + 300_000*height/11, Collections: collections})
		}
		collections++
		points = append(points, verdict.Point{Block: b, Dose: dose, Value: floor, Collections: collections})
	}
	return points
}

func TestFloors(t *testing.T) {
	t.Parallel()
	p := func(v float64, gc uint64) verdict.Point { return verdict.Point{Value: v, Collections: gc} }
	values := func(points []verdict.Point) []float64 {
		var list []float64
		for _, q := range points {
			list = append(list, q.Value)
		}
		return list
	}
	for _, tt := range []struct {
		name string
		in   []verdict.Point
		want []float64
	}{
		{"none", nil, nil},
		{"teeth", []verdict.Point{p(5, 1), p(3, 1), p(4, 1), p(9, 2), p(2, 2), p(7, 3)}, []float64{3, 2, 7}},
		{"not_told", []verdict.Point{p(5, 0), p(3, 0), p(4, 0)}, []float64{5, 3, 4}},
	} {
		if got := values(verdict.Floors(tt.in)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestSawtooth(t *testing.T) {
	t.Parallel()
	q := verdict.Question{Series: "heap", Scenario: "rst", Unit: verdict.Bytes, Matters: 64, Step: 8}
	for _, tt := range []struct {
		perPeer float64
		want    verdict.Outcome
	}{{0, verdict.None}, {64, verdict.Leaking}} {
		rest := verdict.AtRest(saw(25, tt.perPeer))
		if len(rest) != 25 || rest[1].Dose != 100 || rest[1].Value != 1e6+100*tt.perPeer {
			t.Fatalf("at rest: %+v", rest[:2])
		}
		got := verdict.Test(q, verdict.Blocks("rst", rest))
		if got.Outcome != tt.want || got.Retained != 1000*tt.perPeer {
			t.Errorf("with %v bytes per peer: %+v", tt.perPeer, got)
		}
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	rest := []verdict.Point{{Value: 5}, {Dose: 10, Value: 7}, {Dose: 10, Value: 6}}
	want := []verdict.Block{{Scenario: "rst", Dose: 10, Before: 5, After: 7}, {Before: 7, After: 6}}
	if got := verdict.Blocks("rst", rest); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
