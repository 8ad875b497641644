package wire_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// worst are messages that cost a parser much for their size, as large as they may be. A
// search found some of them: see BenchmarkParseSearch.
func worst() map[string]string {
	fill := func(begin, unit, end string) string {
		return begin + strings.Repeat(unit, (wire.MaxMessageBytes-len(begin)-len(end))/len(unit)) + end
	}
	keys := fill(`{"type":"ping"`, `,"\u0074":0`, ``)
	members := func(unit string) string { return `{` + strings.Repeat(unit, wire.MaxMembers-1) + `"type":"ping"}` }
	long := strings.Repeat(`\u0061`, 150)
	return map[string]string{
		"escaped_keys_in_data": fill(`{"type":"offer","data":{"a":0`, `,"\u0074":0`, `}}`),
		"escaped_keys":         keys[:strings.LastIndex(keys[:11*wire.MaxMembers], ",")] + "}",
		"long_escaped_keys":    members(`"` + long + `":0,`),
		"networks":             members(`"networkName":"` + long + `",`),
		"targets":              members(`"targetPeerId":"` + strings.Repeat(`\u0061`, 40) + `",`),
		"type_of_escapes":      fill(`{"type":"`, `\u0061`, `"}`),
		"type_of_arrays":       fill(`{"type":[0`, `,[[]]`, `]}`),
		"type_of_numbers":      fill(`{"type":[0`, `,1e9`, `]}`),
		"type_of_commas":       fill(`{"type":[[]`, `,[]`, `]}`),
		"long_number":          fill(`{"type":"offer","targetPeerId":0.`, `0`, `1}`),
		"long_type_number":     fill(`{"type":1`, `7`, `}`),
		"digits":               fill(`[0`, `,0`, `]`),
		"spaced":               fill(`[0`, ` , 0`, `]`),
		"empty_strings":        fill(`[""`, `,""`, `]`),
		"empty_members":        fill(`{"data":{"":0`, `,"":0`, `}}`),
		"empty_arrays":         fill(`[[]`, `,[]`, `]`),
		"nested":               fill(`[[]`, `,[[[[]]]]`, `]`),
		"escapes":              fill(`["`, `\n`, `"]`),
		"short_escapes":        fill(`[""`, `,"\n"`, `]`),
		"unicode":              fill(`["`, `é`, `"]`),
	}
}

// BenchmarkParseWorst measures Parse together with the check for UTF-8 that goes before
// it, in bytes a second.
func BenchmarkParseWorst(b *testing.B) {
	for name, text := range worst() {
		b.Run(name, func(b *testing.B) {
			msg := []byte(text)
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			for b.Loop() {
				takeIn(b, msg)
			}
		})
	}
}

// takeIn does what a hub does with the bytes of a message before it acts on it.
func takeIn(tb testing.TB, msg []byte) {
	if !utf8.Valid(msg) {
		tb.Fatalf("%.50q is not UTF-8", msg)
	}
	if _, err := wire.Parse(msg); err != nil {
		tb.Fatalf("%.50q: %v", msg, err)
	}
}

// BenchmarkParseSearch looks for the message of 64 KiB that takes longest for its size.
// It fills fields with a repeated unit of a few tokens, drawn at random, and goes on from
// the slowest. It reports the speed of that one.
func BenchmarkParseSearch(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	best, slowest := "", 0.0
	for b.Loop() {
		unit := mutate(rng, best)
		for _, place := range []string{`{"type":"offer","data":[0%s]}`, `{"type":[0%s]}`, `{"type":"a","data":{"a":0%s}}`, `[0%s]`} {
			times := 64 << 10 / (len(unit) + 1)
			msg := []byte(fmt.Sprintf(place, strings.Repeat(","+unit, times)))
			if _, err := wire.Parse(msg); err != nil {
				continue
			}
			if cost := costOf(b, msg); cost > slowest*1.05 {
				best, slowest = unit, cost
			}
		}
	}
	b.ReportMetric(1e3/slowest, "MB/s-worst")
	b.Logf("slowest: %q, %.1f ns a byte", best, slowest)
}

// costOf returns nanoseconds for each byte: the least of some runs.
func costOf(b *testing.B, msg []byte) float64 {
	least := time.Hour
	for range 5 {
		began := time.Now()
		takeIn(b, msg)
		least = min(least, time.Since(began))
	}
	return float64(least) / float64(len(msg))
}

// mutate returns a unit near another one: with a token more, less or different.
func mutate(rng *rand.Rand, unit string) string {
	tokens := []string{`"`, `\n`, `\u0074`, `é`, `:`, `,`, `[`, `]`, `{`, `}`, `[]`, `{}`, `""`, `"":`, `"\u0074":`, `0`, `1`, `-1`, `.5`, `e1`, `1e9`, `true`, `null`, ` `, `aaaaaaaa`}
	pick := func() string { return tokens[rng.IntN(len(tokens))] }
	if unit == "" || rng.IntN(4) == 0 {
		unit = ""
		for range 1 + rng.IntN(4) {
			unit += pick()
		}
		return unit
	}
	at := rng.IntN(len(unit) + 1)
	to := min(len(unit), at+rng.IntN(3))
	return unit[:at] + pick() + unit[to:]
}

// The messages of the benchmark are such that a hub takes them in.
func TestWorstMessagesParse(t *testing.T) {
	t.Parallel()
	for name, text := range worst() {
		if len(text) > wire.MaxMessageBytes {
			t.Errorf("%s has %d bytes, more than a message may have", name, len(text))
		}
		takeIn(t, []byte(text))
	}
}
