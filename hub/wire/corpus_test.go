package wire_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpusDir holds messages, one a file: those in valid are JSON within the
// limits, those in invalid are what Parse must refuse.
const corpusDir = "../../testdata/wire"

// entry is one file of the corpus.
type entry struct {
	name string // "valid/offer"
	msg  []byte
}

// corpus returns all messages, in the order of their names.
func corpus(tb testing.TB) []entry {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(corpusDir, "*valid", "*.json"))
	if err != nil || len(paths) < 100 {
		tb.Fatalf("the corpus has %d messages (%v), want at least 100", len(paths), err)
	}
	entries := make([]entry, len(paths))
	for i, path := range paths {
		dir, file := filepath.Split(path)
		entries[i] = entry{filepath.Base(dir) + "/" + strings.TrimSuffix(file, ".json"), message(tb, path)}
	}
	return entries
}

// offer returns a typical message of a hub: an offer of 1.2 KB whose text has many \r\n.
func offer(tb testing.TB) []byte {
	tb.Helper()
	return message(tb, filepath.Join(corpusDir, "valid", "offer.json"))
}

func message(tb testing.TB, path string) []byte {
	tb.Helper()
	msg, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return msg
}
