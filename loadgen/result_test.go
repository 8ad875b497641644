package loadgen

import (
	"strings"
	"testing"
)

// Of counts that measure the same, the one that does it best is compared.
func TestStayed(t *testing.T) {
	t.Parallel()
	before := reading{"pprof.goroutines": 8, "go_goroutines": 8, "health.peers": 0, "x_total": 1}
	after := reading{"pprof.goroutines": 9, "go_goroutines": 8, "health.peers": 2, "x_total": 5}
	if list := stayed(before, after); len(list) != 1 || list[0].About != "health.peers" {
		t.Errorf("got %v", list)
	}
	delete(before, "go_goroutines")
	if list := stayed(before, after); len(list) != 2 {
		t.Errorf("got %v without a better one", list)
	}
}

// What a target says, in its close frames for instance, steers neither the terminal nor
// the page that shows the report.
func TestTextOfTheTarget(t *testing.T) {
	t.Parallel()
	r := &Result{Figures: []Figure{{Profile: "hostile", Name: "frame", Text: "ended: \x1b[2J\n<img src=x>|"}}}
	var text, md strings.Builder
	r.writeFigures(&text)
	if err := r.writeMarkdown(&md); err != nil {
		t.Fatal(err)
	}
	if s := text.String(); strings.Contains(s, "\x1b") || !strings.Contains(s, "ended: ·[2J·<img") {
		t.Errorf("%q", s)
	}
	if s := md.String(); strings.Contains(s, "<img") || !strings.Contains(s, "ended: ") {
		t.Errorf("%q", s)
	}
}
