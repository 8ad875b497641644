package report

import "math"

// frame maps values to places in a chart.
type frame struct {
	x, y                 []float64 // ticks
	left, right, low, up float64   // values at the edges
}

// frame fits the axes to the lines. The y axis starts at zero: half a per cent of
// noise must not look like a mountain.
func (p plot) frame() frame {
	f := frame{left: math.Inf(1), right: math.Inf(-1)}
	for _, l := range p.Lines {
		for _, q := range l.points {
			f.left, f.right = math.Min(f.left, q.x), math.Max(f.right, q.x)
			f.low, f.up = math.Min(f.low, q.y), math.Max(f.up, q.y)
		}
	}
	f.up = math.Max(f.up, p.least)
	if f.left > f.right {
		f.left, f.right = 0, 1
	}
	if f.up == f.low {
		f.up = f.low + 1
	}
	f.low, f.up = f.low*plotPadding, f.up*plotPadding
	f.y = ticks(f.low, f.up, 5)
	if p.whole {
		f.x = whole(f.left, f.right)
	} else {
		f.x = ticks(f.left, f.right, 4)
	}
	if f.left == f.right {
		f.left, f.right = f.left-1, f.right+1
	}
	return f
}

func (f frame) px(x float64) float64 {
	return plotLeft + (x-f.left)/(f.right-f.left)*(plotWidth-plotLeft-plotRight)
}

func (f frame) py(y float64) float64 {
	return plotHeight - plotBottom - (y-f.low)/(f.up-f.low)*(plotHeight-plotTop-plotBottom)
}

// anchor keeps the outer labels of the x axis inside the chart.
func (f frame) anchor(i int) string {
	switch {
	case i == len(f.x)-1 && f.x[i] >= f.right && len(f.x) > 1:
		return "end"
	case i == 0 && f.x[i] <= f.left && len(f.x) > 1:
		return "start"
	}
	return "middle"
}

// ticks returns about so many round values between two.
func ticks(low, high float64, n int) []float64 {
	if high <= low {
		return []float64{low}
	}
	raw := (high - low) / float64(n)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if step*m >= raw {
			step *= m
			break
		}
	}
	var list []float64
	for i := math.Ceil(low / step); i*step <= high+step/1e6; i++ {
		list = append(list, i*step+0) // never -0
	}
	return list
}

// whole returns every cycle, or every second, fifth, ... where there are many.
func whole(low, high float64) []float64 {
	step := 1.0
	for _, s := range []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000} {
		if step = s; (high-low)/s <= 8 {
			break
		}
	}
	var list []float64
	for x := low; x <= high; x += step {
		list = append(list, x)
	}
	return list
}
