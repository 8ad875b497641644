package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen"
)

// Without a terminal there is a line every five seconds from the begin, and some hundred in a
// night. An attribute without a value is left out.
func TestProgress(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := slog.New(newProgress(&b))
	log.Info("the run is over", "error", nil)
	watch := steadily(log)
	for at := time.Duration(0); at <= time.Minute; at += 250 * time.Millisecond {
		watch(loadgen.Status{Elapsed: at, Phase: "churn", Connections: 7})
	}
	if n := strings.Count(b.String(), "churn  peers 7  in all 0"); n != 12 || strings.Contains(b.String(), "nil") {
		t.Errorf("%d lines in a minute:\n%s", n, b.String())
	}
	for at := time.Minute; at <= 8*time.Hour; at += time.Second {
		watch(loadgen.Status{Elapsed: at})
	}
	if n := strings.Count(b.String(), "\n"); n > 500 {
		t.Errorf("%d lines in eight hours", n)
	}
}
