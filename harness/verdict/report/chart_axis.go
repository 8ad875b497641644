package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// area maps values to places in a chart.
type area struct {
	x, y                   []Tick
	left, right, low, high float64 // values at the edges
}

// headroom is the distance between the data and the edge of an axis that includes 0.
const headroom = 1.08

// area fits the axes to the lines, and the y axis to its ticks.
func (c *Chart) area() area {
	a := area{left: math.Inf(1), right: math.Inf(-1), low: math.Inf(1), high: math.Inf(-1)}
	for _, l := range c.Lines {
		for _, p := range l.Points {
			a.left, a.right = math.Min(a.left, p.X), math.Max(a.right, p.X)
			if !math.IsNaN(p.Y) {
				a.low, a.high = math.Min(a.low, p.Y), math.Max(a.high, p.Y)
			}
		}
	}
	if a.left > a.right {
		a.left, a.right = 0, 1
	}
	if c.Zero {
		a.low, a.high = headroom*math.Min(a.low, 0), headroom*math.Max(a.high, math.Max(c.AtLeast, 0))
	}
	if !(a.high > a.low) || math.IsInf(a.low, 0) {
		a.low, a.high = finiteOr(a.low, 0), finiteOr(a.low, 0)+1
	}
	a.x, a.y = c.XTicks(a.left, a.right), c.YTicks(a.low, a.high)
	if n := len(a.y); n > 0 {
		a.low, a.high = math.Min(a.low, a.y[0].At), math.Max(a.high, a.y[n-1].At)
	}
	if a.left == a.right {
		a.left, a.right = a.left-1, a.right+1
	}
	return a
}

func finiteOr(v, otherwise float64) float64 {
	if math.IsInf(v, 0) {
		return otherwise
	}
	return v
}

func (a area) px(x float64) float64 {
	return chartLeft + (x-a.left)/(a.right-a.left)*(chartRight-chartLeft)
}

func (a area) py(y float64) float64 {
	return chartBottom - (y-a.low)/(a.high-a.low)*(chartBottom-chartTop)
}

// drawY draws the horizontal grid. The line at 0 stands out.
func (a area) drawY(b *strings.Builder) {
	for _, t := range a.y {
		class := "grid"
		if t.At == 0 {
			class = "zero"
		}
		y := a.py(t.At)
		fmt.Fprintf(b, `<line class="%s" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`, class, chartLeft, chartRight, y, y)
		fmt.Fprintf(b, `<text class="tick" x="%d" y="%.1f" text-anchor="end">%s</text>`, chartLeft-7, y+4, html.EscapeString(t.Label))
	}
}

func (a area) drawX(b *strings.Builder, title string) {
	for i, t := range a.x {
		fmt.Fprintf(b, `<text class="tick" x="%.1f" y="%d" text-anchor="%s">%s</text>`,
			a.px(t.At), chartBottom+17, a.anchor(i), html.EscapeString(t.Label))
	}
	fmt.Fprintf(b, `<text class="axis" x="%d" y="%d" text-anchor="middle">%s</text>`,
		(chartLeft+chartRight)/2, chartHeight-2, html.EscapeString(title))
}

// anchor keeps the outer labels of the x axis inside the chart.
func (a area) anchor(i int) string {
	switch {
	case i == len(a.x)-1 && a.x[i].At >= a.right && len(a.x) > 1:
		return "end"
	case i == 0 && a.x[i].At <= a.left && len(a.x) > 1:
		return "start"
	}
	return "middle"
}

// Evenly returns a function that places about n round ticks.
func Evenly(n int, label func(float64) string) func(low, high float64) []Tick {
	return func(low, high float64) []Tick {
		if high <= low {
			return []Tick{{low, label(low)}}
		}
		rough := (high - low) / float64(n)
		step := math.Pow(10, math.Floor(math.Log10(rough)))
		for _, k := range []float64{1, 2, 5, 10} {
			if step*k >= rough {
				step *= k
				break
			}
		}
		var ticks []Tick
		for i := math.Ceil(low/step - 1e-9); i*step <= high+step*1e-6; i++ {
			at := i*step + 0 // never -0
			ticks = append(ticks, Tick{at, label(at)})
		}
		return ticks
	}
}
