//go:build linux

package hub_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// benchSummary is the table BenchmarkSummary prints: lines in the order measured.
var benchSummary []string

func recordSummary(name string, pass benchPass) {
	name = strings.TrimPrefix(name, "Benchmark")
	for i, m := range pass[benchHub][0] {
		if m.unit == "ns/op" {
			continue // the rate says it already
		}
		ratio := pass.ratios(i)
		benchSummary = append(benchSummary, fmt.Sprintf("%-16s %-20s %12s %12s   %6.3f [%.3f..%.3f]",
			name, m.unit, benchShort(benchMedian(pass.values(benchHub, i))), benchShort(benchMedian(pass.values(benchNaive, i))),
			benchMedian(ratio), slices.Min(ratio), slices.Max(ratio)))
		name = ""
	}
}

// benchShort prints four digits, or all there are before the point.
func benchShort(v float64) string {
	if v >= 1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// BenchmarkSummary measures nothing: being the last of these files, it prints all medians as one table.
func BenchmarkSummary(b *testing.B) {
	if len(benchSummary) == 0 {
		b.Skip("no measurements")
	}
	fmt.Printf("\n%-16s %-20s %12s %12s   %s\n", "benchmark", "metric", "hub", "naive", "hub/naive [min..max of rounds]")
	for _, line := range benchSummary {
		fmt.Println(line)
	}
	fmt.Println()
	b.Skip("table only")
}
