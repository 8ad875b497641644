package source

import (
	"runtime"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// The place of a call of a literal is its first line, not its closing brace. Other places, and those
// without source, stay as they are.
func TestBeginOfLiteral(t *testing.T) {
	t.Parallel()
	here := func(skip int) verdict.Site {
		_, file, line, _ := runtime.Caller(skip)
		return verdict.Site{File: file, Line: line}
	}
	var ends verdict.Site
	before := here(1)
	func() {
		ends = here(2)
	}()
	if want := before.Line + 1; ends.Line != want+2 || BeginOfLiteral(ends).Line != want {
		t.Errorf("line %d begins at line %d, want %d to begin at %d", ends.Line, BeginOfLiteral(ends).Line, want+2, want)
	}
	if got := BeginOfLiteral(before); got != before {
		t.Errorf("%s became %s", before, got)
	}
	for _, place := range []verdict.Site{{}, {File: "/no/such/file.go", Line: 3}} {
		if got := BeginOfLiteral(place); got != place {
			t.Errorf("%s became %s", place, got)
		}
	}
}
