// Package units writes numbers the way every report of this project does.
//
//	units.Count(1009)              // 1,009
//	units.Bytes(1.2e6)             // 1.2 MB
//	units.Rate(0.01)               // 1 in 100
//	units.PerPeer(0.01)            // 1 per 100 peers
//	units.Seconds(250)             // 4 m 10 s
//	units.Duration(12345678)       // 12.3ms
//	units.Plural(2, "life", "lives") // 2 lives
//
// units.go has the numbers, words.go the few words around them. Sizes use powers of
// 1,000: 1 kB is 1,000 bytes. Everything here is a pure function.
package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// InBytes is the unit of quantities that are sizes. Every other unit names what is
// counted.
const InBytes = "bytes"

// Count writes a whole number with a comma between thousands: 1,009.
func Count[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Signed writes a change: +1,009, 0 as +0, -3.
func Signed(n int64) string {
	if n < 0 {
		return Count(n)
	}
	return "+" + Count(n)
}

// Number writes a computed number with as many digits as mean something: whole numbers
// and numbers from 100 on without a fraction, smaller ones with two or three digits.
func Number(f float64) string {
	switch a := math.Abs(f); {
	case f == math.Trunc(f) && a < 1e15, a >= 100:
		return Count(int64(math.Round(f)))
	case a >= 10:
		return strconv.FormatFloat(f, 'f', 1, 64)
	case a >= 0.01:
		return strconv.FormatFloat(f, 'f', 2, 64)
	}
	return strconv.FormatFloat(f, 'g', 2, 64)
}

// Short writes a number as short as it can be, for the labels of axes: 0.25, 1,500, 25k, 2M.
func Short(f float64) string {
	switch a := math.Abs(f); {
	case a >= 1e6:
		return strconv.FormatFloat(math.Round(f/1e4)/100, 'f', -1, 64) + "M"
	case a >= 1e4:
		return strconv.FormatFloat(math.Round(f/100)/10, 'f', -1, 64) + "k"
	case a >= 1e3:
		return Count(int64(math.Round(f)))
	}
	return strconv.FormatFloat(f, 'g', 4, 64)
}

// Bytes writes a size: 412 B, 1.2 MB, 356 MB.
func Bytes(bytes float64) string {
	for _, u := range []struct {
		unit  string
		bytes float64
	}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if scaled := bytes / u.bytes; math.Abs(scaled) >= 0.9995 {
			if math.Abs(scaled) < 9.95 {
				return strconv.FormatFloat(scaled, 'f', 1, 64) + " " + u.unit
			}
			return Count(int64(math.Round(scaled))) + " " + u.unit
		}
	}
	return Number(bytes) + " B"
}

// Quantity writes a value as Bytes if its unit is InBytes, and as Number otherwise.
func Quantity(v float64, unit string) string {
	if unit == InBytes {
		return Bytes(v)
	}
	return Number(v)
}

// Rate writes how many things there are for each peer: 1.00, or 1 in 100 if it is less
// than about a tenth.
func Rate(perPeer float64) string {
	if rare(perPeer) {
		return "1 in " + Count(int64(math.Round(1/perPeer)))
	}
	return strconv.FormatFloat(perPeer, 'f', 2, 64)
}

// PerPeer writes Rate as a phrase: 1.00 per peer, 1 per 100 peers.
func PerPeer(perPeer float64) string { return Per(perPeer, "peer") }

// Per is PerPeer for another thing. The first word of its name takes the plural.
func Per(rate float64, thing string) string {
	if rare(rate) {
		noun, rest, _ := strings.Cut(thing, " ")
		return strings.TrimSpace("1 per " + Plural(int64(math.Round(1/rate)), noun) + " " + rest)
	}
	return Rate(rate) + " per " + thing
}

func rare(perPeer float64) bool { return perPeer > 0 && perPeer < 0.095 }

// OneIn writes that there is one thing for so many peers: 1 object per 140 peers. Below
// one peer it writes how many things each peer has: 3 objects per peer.
func OneIn(peers float64, thing string) string {
	if peers >= 1 {
		return fmt.Sprintf("1 %s per %s", thing, Plural(int64(peers), "peer"))
	}
	return fmt.Sprintf("%s per peer", Plural(int64(math.Ceil(1/peers)), thing))
}

// Seconds writes how long something took: 2.5 s, 21 s, 4 m 10 s, 25 h 3 m.
func Seconds(seconds float64) string {
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

// Duration writes a measured time with about three digits: 12.3ms, 1.25s.
func Duration(d time.Duration) string {
	unit := time.Microsecond
	for d >= 1000*unit {
		unit *= 10
	}
	return d.Round(unit).String()
}
