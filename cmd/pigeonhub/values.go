package main

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// value parses the text of a setting, checks its bounds and sets a field.
type value struct {
	meta    string            // its placeholder in --help
	allowed string            // what is allowed, for errors
	set     func(string) bool // reports whether the text is allowed
}

// orOff also allows "off", which sets the field to the value that switches the
// feature off.
func orOff[T any](dst *T, off T, v value) value { return orWord(dst, "off", off, v) }

// orWord also allows a word, which sets the field to special.
func orWord[T any](dst *T, word string, special T, v value) value {
	return value{v.meta, v.allowed + ", or " + word, func(text string) bool {
		if text == word {
			*dst = special
			return true
		}
		return v.set(text)
	}}
}

func whole(dst *int, low, high int) value {
	return value{"NUMBER", fmt.Sprintf("a whole number from %d to %d", low, high), func(text string) bool {
		n, err := strconv.Atoi(text)
		*dst = n
		return err == nil && low <= n && n <= high
	}}
}

// perSecond does not allow 0, which means the default in hub.Config.
func perSecond(dst *float64) value {
	const low, high = 0.001, 1e6
	v := value{"RATE", fmt.Sprintf("a number a second from %v to %d", low, int(high)), func(text string) bool {
		f, err := strconv.ParseFloat(text, 64)
		*dst = f
		return err == nil && low <= f && f <= high
	}}
	return orOff(dst, -1, v)
}

func duration(dst *time.Duration, low, high time.Duration) value {
	allowed := fmt.Sprintf("a duration from %s to %s, such as 10s or 5m", short(low), short(high))
	return value{"DURATION", allowed, func(text string) bool {
		d, err := time.ParseDuration(text)
		*dst = d
		return err == nil && low <= d && d <= high
	}}
}

// decimal writes a rate, such as 2.5.
func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// short writes 24h, not 24h0m0s.
func short(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// Units of sizes. A name comes before the names that it ends in.
var units = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"B", 1}, {"", 1}}

func size[T int | int64](dst *T, low, high int64) value {
	allowed := fmt.Sprintf("a size from %s to %s, such as 65536 or 64KiB", inUnits(low), inUnits(high))
	return value{"SIZE", allowed, func(text string) bool {
		n, ok := parseSize(text)
		*dst = T(n)
		return ok && low <= n && n <= high
	}}
}

func parseSize(text string) (int64, bool) {
	for _, u := range units {
		if digits, ok := strings.CutSuffix(text, u.name); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
			return n * u.bytes, err == nil && n >= 0 && n <= math.MaxInt64/u.bytes
		}
	}
	return 0, false
}

// inUnits writes a size in the largest unit that divides it.
func inUnits[T int | int64](size T) string {
	n := int64(size)
	best := fmt.Sprint(n)
	for _, u := range units[:4] {
		if n >= u.bytes && n%u.bytes == 0 {
			best = fmt.Sprint(n/u.bytes) + u.name
		}
	}
	return best
}

func boolean(dst *bool) value {
	return value{"", "true or false", func(text string) bool {
		b, err := strconv.ParseBool(text)
		*dst = b
		return err == nil
	}}
}

// text allows one line without control characters: some of it goes into HTTP
// headers.
func text(dst *string, meta string) value {
	return value{meta, "one line of text", func(s string) bool {
		*dst = s
		return !strings.ContainsFunc(s, isControl)
	}}
}

// tokens allows tokens, each alone or with the time at which it expires.
func tokens(dst *[]hub.AuthToken) value {
	return value{"TOKENS", "tokens with commas between them, each alone or followed by @ and a time such as 2026-12-31T00:00:00Z", func(s string) bool {
		*dst = nil
		for text := range strings.SplitSeq(s, ",") {
			t := hub.AuthToken{Token: strings.TrimSpace(text)}
			if at := strings.LastIndex(t.Token, "@"); at >= 0 {
				expires, err := time.Parse(time.RFC3339, t.Token[at+1:])
				if err != nil {
					return false
				}
				t.Token, t.Expires = t.Token[:at], expires
			}
			if t.Token == "" || strings.ContainsFunc(t.Token, isControl) {
				return false
			}
			*dst = append(*dst, t)
		}
		return true
	}}
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// headerName allows the name of an HTTP header.
func headerName(dst *string) value {
	return value{"NAME", "the name of an HTTP header", func(s string) bool {
		*dst = s
		return httpguts.ValidHeaderFieldName(s)
	}}
}

// origins allows "*" and origins, which have no path.
func origins(dst *[]string) value {
	return value{"ORIGINS", "* or origins such as https://example.org, with commas between them", func(s string) bool {
		*dst = fields(s)
		return len(*dst) > 0 && !slices.ContainsFunc(*dst, func(o string) bool { return o != "*" && !isOrigin(o) })
	}}
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Host != "" && u.Scheme+"://"+u.Host == s
}

// address allows a host and a port.
func address(dst *string) value {
	return value{"ADDRESS", "an address with a port, such as 127.0.0.1:6060", func(s string) bool {
		*dst = s
		_, port, err := net.SplitHostPort(s)
		_, notANumber := strconv.ParseUint(port, 10, 16)
		return err == nil && notANumber == nil
	}}
}

// prefixes allows addresses and prefixes in CIDR notation.
func prefixes(dst *[]netip.Prefix) value {
	return value{"ADDRESSES", "addresses or prefixes such as 10.0.0.0/8, with commas between them", func(s string) bool {
		*dst = []netip.Prefix{}
		for _, text := range fields(s) {
			p, err := netip.ParsePrefix(text)
			if addr, failed := netip.ParseAddr(text); failed == nil {
				p, err = addr.Prefix(addr.BitLen())
			}
			if err != nil {
				return false
			}
			*dst = append(*dst, p.Masked())
		}
		return len(*dst) > 0
	}}
}

func peerIDs(dst *[]wire.PeerID) value {
	return value{"IDS", "peer ids of 40 hexadecimal digits, with commas between them", func(s string) bool {
		*dst = nil
		for _, id := range fields(s) {
			*dst = append(*dst, wire.PeerID(id))
		}
		return !slices.ContainsFunc(*dst, func(id wire.PeerID) bool { return !id.Valid() })
	}}
}

func fields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// option is a word that oneOf allows, and the value it stands for.
type option[T any] struct {
	word string
	is   T
}

func oneOf[T any](dst *T, meta string, options ...option[T]) value {
	var words []string
	for _, o := range options {
		words = append(words, o.word)
	}
	last := len(words) - 1
	allowed := strings.Join(words[:last], ", ") + " or " + words[last]
	return value{meta, allowed, func(text string) bool {
		i := slices.Index(words, text)
		if i >= 0 {
			*dst = options[i].is
		}
		return i >= 0
	}}
}
