package loadgen

import (
	"encoding/json"
	"math"
	"testing"
)

// A timeline of any length is of bounded size, and loses neither its end nor its peak.
func TestTimelineIsBounded(t *testing.T) {
	t.Parallel()
	var tl Timeline
	for i := range 10 * maxTimes {
		row := map[string]float64{columnLives: float64(i)}
		if i == 7777 {
			row["target spike"] = 99
		}
		tl.add(float64(i), row, []string{columnLives, "target spike"})
		if len(tl.Seconds) >= maxTimes {
			tl.thin()
		}
	}
	last := len(tl.Seconds) - 1
	if last >= maxTimes || tl.Seconds[last] != 10*maxTimes-1 || tl.column(columnLives)[last] != 10*maxTimes-1 || tl.peak("target spike") != 99 {
		t.Errorf("%d times to %v, lives %v, peak %v", last+1, tl.Seconds[last], tl.column(columnLives)[last], tl.peak("target spike"))
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
