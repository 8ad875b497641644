package heap

import "testing"

// The cost of the first reading, which resolves all stacks of the process.
func BenchmarkFirstReading(b *testing.B) {
	RecordAll()
	b.ReportAllocs()
	for b.Loop() {
		clear(siteCache.stacks)
		clear(siteCache.sites)
		if _, err := readSites(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(siteCache.stacks)), "stacks")
}
