package report

import (
	"encoding/json"
	"math"
	"testing"
)

// A timeline of any length is of bounded size, and loses neither its end nor its peak.
func TestTimelineIsBounded(t *testing.T) {
	t.Parallel()
	var tl Timeline
	for i := range 10 * MaxTimes {
		row := map[string]float64{ColumnLives: float64(i)}
		if i == 7777 {
			row["target spike"] = 99
		}
		tl.Add(float64(i), row, []string{ColumnLives, "target spike"})
		if len(tl.Seconds) >= MaxTimes {
			tl.Thin()
		}
	}
	last := len(tl.Seconds) - 1
	if last >= MaxTimes || tl.Seconds[last] != 10*MaxTimes-1 || tl.column(ColumnLives)[last] != 10*MaxTimes-1 || tl.peak("target spike") != 99 {
		t.Errorf("%d times to %v, lives %v, peak %v", last+1, tl.Seconds[last], tl.column(ColumnLives)[last], tl.peak("target spike"))
	}
	if !math.IsNaN(tl.peak("nothing")) {
		t.Error("what there is not has a peak")
	}
}

func TestValuesInJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(Values{1.5, math.NaN(), 3})
	var v Values
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil || string(b) != "[1.5,null,3]" || v[0] != 1.5 || !math.IsNaN(v[1]) || v[2] != 3 {
		t.Errorf("%s, %v: %v", b, v, err)
	}
}
