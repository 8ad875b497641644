package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// Every form of any verdict is well-formed.
func TestEveryFormIsWellFormed(t *testing.T) {
	t.Parallel()
	for seed := uint64(0); seed < 300; seed += 10 {
		wellFormed(t, seed, verdict.Judge(sample.Random(rand.New(rand.NewPCG(seed, 6)))))
	}
}

func wellFormed(t *testing.T, seed uint64, v verdict.Verdict) {
	t.Helper()
	for _, f := range report.Formats() {
		var b bytes.Buffer
		if err := f.Write(&b, v); err != nil {
			t.Errorf("seed %d: %s: %v", seed, f.File, err)
		}
		var err error
		switch {
		case f.File == "verdict.json":
			for _, wrong := range invalidJSON(b.Bytes()) {
				t.Errorf("seed %d: %s", seed, wrong)
			}
		case strings.HasSuffix(f.File, ".sarif"):
			err = json.Unmarshal(b.Bytes(), new(any))
		case strings.HasSuffix(f.File, ".xml"):
			d := xml.NewDecoder(&b)
			for err == nil {
				_, err = d.Token()
			}
			if err == io.EOF {
				err = nil
			}
		}
		if err != nil {
			t.Errorf("seed %d: %s: %v", seed, f.File, err)
		}
	}
}
