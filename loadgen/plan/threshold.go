package plan

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Threshold is a condition that a run must meet, written as in
//
//	p99(offer)<50ms   p50(connect.service)<=2ms   rate(offer)>1000   count(ping)>=100
//	lost==0   misrouted<0.1%   cut==0   errors<1%   connections>=5000
//	figure(recovery)<5s
//	leak==none   leak(rst)==none   retained(go_goroutines)<0.5   peak(health.memory.rss)<200MB
//
// that is a measure with its argument in parentheses, one of < <= > >= == !=, and a value in
// the unit of the measure. The zero value is no threshold. A threshold fails if the run has
// no sample of the measure: what was not measured was not shown.
type Threshold struct {
	Text  string
	What  measure
	Of    string // hop, scenario, series or figure, "" for none
	Op    string
	value float64 // in the unit of the measure: nanoseconds, percent of the whole, bytes
	Share bool    // value is in percent
	Word  string  // value of a measure that is a word
	Unit  string  // of a figure that is compared with a time or bytes: "s" or "bytes"
}

// thresholdForm is a name, a part in parentheses that may hold whatever the name of a
// series does, an operator, and a value.
var thresholdForm = regexp.MustCompile(`^\s*([a-z][a-z0-9.]*)\s*(?:\((.*)\))?\s*(<=|>=|==|!=|<|>)\s*([^<>=!()]*?)\s*$`)

// longestThreshold catches typing errors.
const longestThreshold = 500

// ParseThreshold reads a threshold. The error says what is wrong and what exists.
func ParseThreshold(text string) (Threshold, error) {
	t, err := parseThreshold(text)
	if err != nil {
		return Threshold{}, fmt.Errorf("threshold %.80q: %w", text, err)
	}
	return t, nil
}

func parseThreshold(text string) (Threshold, error) {
	m := thresholdForm.FindStringSubmatch(text)
	if m == nil || len(text) > longestThreshold {
		return Threshold{}, errors.New("must be a measure, < <= > >= == or !=, and a value, as in p99(offer)<50ms or lost==0")
	}
	of := strings.TrimSpace(m[2])
	what, err := measureOf(m[1])
	if err == nil {
		err = what.takes(of, strings.Contains(text, "("))
	}
	t := Threshold{Text: m[1], What: what, Of: of, Op: m[3]}
	if err == nil {
		err = t.read(m[4])
	}
	if err != nil {
		return Threshold{}, err
	}
	if of != "" {
		t.Text += "(" + of + ")"
	}
	t.Text += t.Op + m[4]
	return t, nil
}

// read reads the value in the unit of the measure.
func (t *Threshold) read(value string) (err error) {
	switch t.What.unit {
	case unitWord:
		t.Word = value
		if value != LeakNone && value != LeakFound || t.Op != "==" && t.Op != "!=" {
			return fmt.Errorf("%s is compared by == or != with %s or %s", t.What.Name, LeakNone, LeakFound)
		}
	case unitTime:
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return fmt.Errorf("%q is not a time with a unit, such as 50ms or 1.5s", value)
		}
		t.value = float64(d)
	case unitShare:
		value, t.Share = strings.CutSuffix(value, "%")
		t.value, err = number(value)
	case unitAny:
		t.value, t.Unit, err = quantity(value)
	case unitBytes:
		t.value, err = size(value)
	default:
		t.value, err = number(value)
	}
	if err == nil && t.What.interval && (t.Op == "==" || t.Op == "!=") {
		err = fmt.Errorf("the value of %s is an interval: compare by < or >", t.What.Name)
	}
	return err
}

// number reads a number that is not negative.
func number(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(v >= 0) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a number from 0 up", s)
	}
	return v, nil
}

// quantity reads a number, a time in seconds, or bytes. The unit of a number is "".
func quantity(s string) (v float64, unit string, err error) {
	if v, err = number(s); err == nil {
		return v, "", nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d.Seconds(), "s", nil
	}
	if v, err = size(s); err == nil {
		return v, "bytes", nil
	}
	return 0, "", fmt.Errorf("%q is not a number from 0 up, a time such as 5s, or bytes such as 3MB", s)
}

// size reads a number with or without a unit of bytes.
func size(s string) (float64, error) {
	for _, u := range []struct {
		unit  string
		bytes float64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}} {
		if figure, ok := strings.CutSuffix(s, u.unit); ok {
			v, err := number(figure)
			return v * u.bytes, err
		}
	}
	v, err := number(s)
	if err != nil {
		err = fmt.Errorf("%q is not a number from 0 up, with B, kB, MB, GB, KiB, MiB, GiB or no unit", s)
	}
	return v, err
}

func (t Threshold) String() string { return t.Text }

// MarshalText writes the threshold as ParseThreshold reads it.
func (t Threshold) MarshalText() ([]byte, error) { return []byte(t.Text), nil }

// UnmarshalText calls ParseThreshold.
func (t *Threshold) UnmarshalText(b []byte) (err error) {
	*t, err = ParseThreshold(string(b))
	return err
}

// Holds reports whether a value meets the threshold.
func (t Threshold) Holds(v float64) bool {
	switch t.Op {
	case "<":
		return v < t.value
	case "<=":
		return v <= t.value
	case ">":
		return v > t.value
	case ">=":
		return v >= t.value
	case "==":
		return v == t.value
	}
	return v != t.value
}

// Surpassed reports whether a value that can only rise has passed the upper bound that the
// threshold sets. A threshold without an upper bound is never surpassed.
func (t Threshold) Surpassed(v float64) bool {
	switch t.Op {
	case "<":
		return v >= t.value
	case "<=", "==":
		return v > t.value
	}
	return false
}
