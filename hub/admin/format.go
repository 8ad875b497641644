package admin

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// longestText is how many characters of a text from a peer a page shows.
const longestText = 48

// foreignText returns a text from a peer for a page, which then escapes it. It is cut. It is quoted if
// it has characters that do not show or that change the order of others.
func foreignText(s string) string {
	shown := strings.ToValidUTF8(s, "\uFFFD")
	for i, n := 0, 0; i < len(shown); n++ {
		if n == longestText {
			shown = shown[:i] + "…"
			break
		}
		_, size := utf8.DecodeRuneInString(shown[i:])
		i += size
	}
	if shown == "" || strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(shown)
	}
	return shown
}

// bytesText returns a size such as 1.5 MiB.
func bytesText(n int64) string {
	size, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for len(units) > 1 && (size >= 1024 || size <= -1024) {
		size, units = size/1024, units[1:]
	}
	if units[0] == "B" || size >= 100 {
		return fmt.Sprintf("%.0f %s", size, units[0])
	}
	return fmt.Sprintf("%.1f %s", size, units[0])
}

// countText returns a number with commas between thousands.
func countText(n int64) string {
	if n < 0 {
		return "-" + countText(-n)
	}
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// timeText returns a duration in at most two units.
func timeText(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// rateText returns a rate a second.
func rateText(perSecond float64) string {
	switch {
	case perSecond >= 100:
		return countText(int64(perSecond))
	case perSecond >= 1:
		return fmt.Sprintf("%.1f", perSecond)
	}
	return fmt.Sprintf("%.2g", perSecond)
}
