package harness

import (
	"runtime"
	"strings"
)

// bubbleLooks bounds how often a guard looks whether the goroutines of a bubble rest. The clock of a
// bubble stands while one of them does not, so it cannot bound the wait.
const bubbleLooks = 500

// bubbleOf returns the synctest bubble that a goroutine is in, "" if it is in none, by the first
// line of its stack:
//
//	goroutine 7 [chan receive (durable), synctest bubble 6]:
func bubbleOf(stack string) string {
	head, _, _ := strings.Cut(stack, "]:\n")
	_, bubble, _ := strings.Cut(head, "synctest bubble ")
	return bubble
}

// restless returns the stack of a goroutine in the bubble of the caller that blocks but not durably,
// so that the clock of the bubble stands, "" if there is none or no bubble.
func restless() string {
	buf := make([]byte, 1<<12)
	bubble := bubbleOf(string(buf[:runtime.Stack(buf, false)]))
	if bubble == "" {
		return ""
	}
	found := ""
	for range bubbleLooks {
		if found = restlessIn(bubble); found == "" {
			return ""
		}
		runtime.Gosched()
	}
	return found
}

func restlessIn(bubble string) string {
	buf := make([]byte, 1<<20)
	all := string(buf[:runtime.Stack(buf, true)])
	for i, stack := range strings.Split(all, "\n\n") {
		if i == 0 || bubbleOf(stack) != bubble { // the first one is the caller
			continue
		}
		if head, _, _ := strings.Cut(stack, "\n"); !strings.Contains(head, "(durable)") {
			return stack
		}
	}
	return ""
}

// stopped is the error of a guard in a bubble with a stopped clock.
const stopped = `leak guard: %s was not checked for leaks: the clock of its synctest bubble stands, because this goroutine waits for something outside of the bubble
%s
    do: close it before the guard checks, or use harness.ListenPipes in place of a listener of package net`
