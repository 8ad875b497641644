package report

import (
	"fmt"
	"strconv"
	"strings"
)

// MergeFigures merges the figures of several processes by name. Counts and their wholes ("of
// 500 peers") add up, and the longest time holds.
func MergeFigures(list, more []Figure) []Figure {
	for _, f := range more {
		i := indexOfFigure(list, f)
		if i < 0 {
			list = append(list, f)
			continue
		}
		o := &list[i]
		switch {
		case f.Unit == "s" && f.Value > o.Value:
			*o = f
		case f.Unit == "s":
		case f.Unit == "" && f.Text != strconv.FormatFloat(f.Value, 'f', -1, 64)+" ":
			if o.Text != f.Text { // a text
				o.Text += "; " + f.Text
			}
		default:
			o.Value += f.Value
			if n, rest, ok := ofWhole(f.Unit); ok {
				whole, _, _ := ofWhole(o.Unit)
				o.Unit = fmt.Sprintf("of %d%s", whole+n, rest)
			}
			o.Text = strconv.FormatFloat(o.Value, 'f', -1, 64) + " " + o.Unit
		}
	}
	return list
}

func indexOfFigure(list []Figure, f Figure) int {
	for i, o := range list {
		_, rest, whole := ofWhole(f.Unit)
		_, otherRest, otherWhole := ofWhole(o.Unit)
		if o.Profile == f.Profile && o.Name == f.Name && (o.Unit == f.Unit || whole && otherWhole && rest == otherRest) {
			return i
		}
	}
	return -1
}

// ofWhole splits a unit such as "of 500 peers".
func ofWhole(unit string) (n int64, rest string, ok bool) {
	text, ok := strings.CutPrefix(unit, "of ")
	if !ok {
		return 0, "", false
	}
	digits := strings.IndexFunc(text+" ", func(r rune) bool { return r < '0' || r > '9' })
	n, err := strconv.ParseInt(text[:digits], 10, 64)
	return n, text[digits:], err == nil
}
