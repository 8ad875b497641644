package verdict

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// number writes 1,009.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// amount writes a figure that was worked out with the digits that mean something.
func amount(f float64) string {
	switch a := math.Abs(f); {
	case f == math.Trunc(f) && a < 1e15, a >= 100:
		return number(int64(math.Round(f)))
	case a >= 10:
		return strconv.FormatFloat(f, 'f', 1, 64)
	case a >= 0.01:
		return strconv.FormatFloat(f, 'f', 2, 64)
	}
	return strconv.FormatFloat(f, 'g', 2, 64)
}

// size writes 1.2 MB.
func size(bytes float64) string {
	for _, u := range []struct {
		unit  string
		bytes float64
	}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if scaled := bytes / u.bytes; math.Abs(scaled) >= 0.9995 {
			if math.Abs(scaled) < 9.95 {
				return strconv.FormatFloat(scaled, 'f', 1, 64) + " " + u.unit
			}
			return number(int64(math.Round(scaled))) + " " + u.unit
		}
	}
	return amount(bytes) + " B"
}

// measure writes a value in its unit.
func measure(v float64, unit string) string {
	if unit == Bytes {
		return size(v)
	}
	return amount(v)
}

// perPeer writes "1.00" or "1 in 100".
func perPeer(rate float64) string {
	if rate > 0 && rate < 0.095 {
		return "1 in " + number(int64(math.Round(1/rate)))
	}
	return strconv.FormatFloat(rate, 'f', 2, 64)
}

// ofPeers writes "1.00 per peer" or "1 per 100 peers".
func ofPeers(rate float64) string {
	if rate > 0 && rate < 0.095 {
		return "1 per " + number(int64(math.Round(1/rate))) + " peers"
	}
	return perPeer(rate) + " per peer"
}

// String returns "1 object per 140 peers".
func (s Sensitivity) String() string {
	if !s.Known {
		return "not known"
	}
	return oneIn(s.Unit, s.Peers)
}

func oneIn(unit string, peers float64) string {
	if peers >= 1 {
		return fmt.Sprintf("1 %s per %s", unit, plural(int64(peers), "peer"))
	}
	return fmt.Sprintf("%s per peer", plural(int64(math.Ceil(1/peers)), unit))
}

func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	if stem, ok := strings.CutSuffix(word, "y"); ok {
		return number(n) + " " + stem + "ies"
	}
	return number(n) + " " + word + "s"
}

// lasted writes 21 s, 4 m 10 s, 25 h 3 m.
func lasted(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 0, 64) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d m %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d m", int(d.Hours()), int(d.Minutes())%60)
}
