package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

var goldenRuns = []struct {
	name string
	run  func() verdict.Run
}{
	{"leak", sample.Leaking}, {"pass", sample.Clean}, {"trend", sample.Trends}, {"invalid", sample.Invalid}, {"hostile", sample.Hostile}, {"soak", sample.Soak},
	{"threshold", sample.Thresholds},
}

// Every form of every sample is as it was; -update accepts what it is now.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, golden := range goldenRuns {
		for _, format := range report.Formats() {
			if golden.name == "soak" && format.File != "index.html" {
				continue // thousands of points that only the plots have to cope with
			}
			t.Run(golden.name+"/"+format.File, func(t *testing.T) {
				t.Parallel()
				var got bytes.Buffer
				if err := format.Write(&got, verdict.Judge(golden.run())); err != nil {
					t.Fatal(err)
				}
				file := filepath.Join("testdata", golden.name+"."+format.File+".golden")
				if *update {
					if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Bytes(), want) {
					t.Errorf("%s differs from what is written (go test -update accepts it):\n%s", file, firstDifference(got.String(), string(want)))
				}
			})
		}
	}
}
