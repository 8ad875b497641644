package verdict_test

import (
	"fmt"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
)

func ExampleJudge() {
	v := verdict.Judge(sample.Leaking())
	l := v.Leaks[0]
	fmt.Println(v.Outcome, l.Type, l.Source, l.Count, "of", l.Peers)
	// Output: leak *hub.session scenario rst 3027 of 3027
}

func ExampleTest() {
	ask := verdict.Question{Series: "heap", Scenario: "roam", Unit: verdict.Bytes, Matters: 64}
	var blocks []verdict.Block
	level := 0.0 // as it was read
	for pair := 1; ; pair++ {
		on := verdict.Block{Scenario: "roam", Dose: 1000, Before: level, After: level + 90_000}
		off := verdict.Block{Before: on.After, After: on.After + 100}
		level = off.After
		blocks = append(blocks, on, off)
		if t := verdict.Test(ask, blocks); t.Outcome != verdict.Inconclusive {
			fmt.Printf("%s after %d pairs: %.0f bytes per 1,000 peers\n", t.Outcome, pair, t.Retained)
			return
		}
	}
	// Output: leak after 3 pairs: 89900 bytes per 1,000 peers
}
