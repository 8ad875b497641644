package harness_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// lineOf returns the line of a test's file that ends in a mark.
func lineOf(t *testing.T, name, mark string) verdict.Site {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	file := filepath.Join(filepath.Dir(here), name)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasSuffix(line, "// "+mark) {
			return verdict.Site{File: file, Line: i + 1}
		}
	}
	t.Fatalf("no line of %s is marked %q", name, mark)
	return verdict.Site{}
}
