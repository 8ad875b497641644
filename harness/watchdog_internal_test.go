package harness

import (
	"fmt"
	"strings"
	"testing"
)

// stackOf is a goroutine as runtime.Stack writes it.
func stackOf(id int, state, function string, line int) string {
	return fmt.Sprintf("goroutine %d [%s]:\n%s(0x1, 0x2)\n\t/src/hub.go:%d +0x1a\ncreated by main.start in goroutine 1\n\t/src/main.go:7 +0x2b\n\n",
		id, state, function, line)
}

func TestWaitingText(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(stackOf(7, "chan receive, 3 minutes", "main.spec", 5))
	for i := range 30 {
		b.WriteString(stackOf(100+i, fmt.Sprintf("IO wait, %d minutes", 1+(i*7)%30), "main.read", 10))
	}
	for i := range 31 {
		b.WriteString(stackOf(200+i, "select", "main.write", 9))
	}
	b.WriteString(stackOf(300, "chan receive", "testing.(*T).Run", 1))
	b.WriteString(stackOf(301, "syscall", "os/signal.signal_recv", 1))
	got := waitingText(b.String(), []string{"7"})
	want := `62 goroutines wait, and 2 of the runtime and the test framework:
the spec: chan receive, 3 minutes
    /src/hub.go:5 main.spec
31 goroutines: select
    /src/hub.go:9 main.write
    started at /src/main.go:7 main.start
30 goroutines: IO wait, 30 minutes
    /src/hub.go:10 main.read
    started at /src/main.go:7 main.start
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// However many stacks there are, the report is a screenful and counts the rest.
func TestWaitingTextIsAScreenful(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 200 {
		b.WriteString(stackOf(10+i, "select", "main.f", i))
	}
	got := waitingText(b.String(), nil)
	if lines := strings.Count(got, "\n"); lines > waitingLines+2 || !strings.Contains(got, "more, at ") {
		t.Errorf("%d lines:\n%s", lines, got)
	}
	var more int
	told := strings.Count(got, "1 goroutine:")
	if _, err := fmt.Sscanf(got[strings.LastIndex(got, "and "):], "and %d more", &more); err != nil {
		t.Error(err)
	}
	if told+more != 200 {
		t.Errorf("%d told and %d more of 200", told, more)
	}
}
