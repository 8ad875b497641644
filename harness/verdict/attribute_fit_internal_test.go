package verdict

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Where both rates are positive, the closed form for two columns is the solution that may not be
// negative.
func TestLeastSquaresOfTwo(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	positive := 0
	for range 200 {
		u, v, y := make([]float64, 6), make([]float64, 6), make([]float64, 6)
		a, b := r.Float64()*5-1, r.Float64()*5-1
		for k := range y {
			u[k], v[k] = float64(r.IntN(90)), float64(r.IntN(90))
			y[k] = a*u[k] + b*v[k] + r.NormFloat64()
		}
		gotA, gotB := leastSquaresOfTwo(u, v, y)
		want := leastSquares([][]float64{u, v}, y)
		if (want[0] > 0 && want[1] > 0) != (gotA > 0 && gotB > 0) {
			t.Fatalf("got %v, %v, want %v", gotA, gotB, want)
		}
		if gotA > 0 && gotB > 0 {
			positive++
			if math.Abs(gotA-want[0])+math.Abs(gotB-want[1]) > 1e-6 {
				t.Fatalf("got %v, %v, want %v", gotA, gotB, want)
			}
		}
	}
	if positive < 50 {
		t.Errorf("only %d of 200 solutions are positive", positive)
	}
	if a, b := leastSquaresOfTwo([]float64{1, 2}, []float64{2, 4}, []float64{1, 2}); a >= 1 && b >= 1 {
		t.Errorf("parallel columns have the solution %v, %v", a, b)
	}
}
