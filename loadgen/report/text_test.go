package report

import (
	"strings"
	"testing"
)

// What a target says, in its close frames for instance, steers neither the terminal nor
// the page that shows the report.
func TestTextOfTheTarget(t *testing.T) {
	t.Parallel()
	r := &Result{Figures: []Figure{{Profile: "hostile", Name: "frame", Text: "ended: \x1b[2J\n<img src=x>|"}}}
	var text, md strings.Builder
	r.writeFigures(&text)
	if err := r.WriteMarkdown(&md); err != nil {
		t.Fatal(err)
	}
	if s := text.String(); strings.Contains(s, "\x1b") || !strings.Contains(s, "ended: ·[2J·<img") {
		t.Errorf("%q", s)
	}
	if s := md.String(); strings.Contains(s, "<img") || !strings.Contains(s, "ended: ") {
		t.Errorf("%q", s)
	}
}
