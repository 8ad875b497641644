package report

import (
	"reflect"
	"testing"
)

// Figures of several processes become one.
func TestMergeFigures(t *testing.T) {
	t.Parallel()
	got := MergeFigures(nil, []Figure{{"x", "n", 3, "peers", "3 peers"}, {"x", "t", 1, "s", "1s"}})
	got = MergeFigures(got, []Figure{{"x", "n", 4, "peers", "4 peers"}, {"x", "t", 2, "s", "2s"}, {"x", "other", 1, "peers", "1 peers"}, {"x", "back", 5, "of 6 peers", "5 of 6 peers"}})
	got = MergeFigures(got, []Figure{{"x", "back", 7, "of 7 peers", "7 of 7 peers"}, {"x", "none", 2, "", "2 "}})
	got = MergeFigures(got, []Figure{{"x", "none", 1, "", "1 "}})
	want := []Figure{{"x", "n", 7, "peers", "7 peers"}, {"x", "t", 2, "s", "2s"}, {"x", "other", 1, "peers", "1 peers"}, {"x", "back", 12, "of 13 peers", "12 of 13 peers"}, {"x", "none", 3, "", "3 "}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
