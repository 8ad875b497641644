package main

import (
	"bytes"
	"strings"
	"testing"
)

// An agent reports the errors of its command line.
func TestAgentErrors(t *testing.T) {
	t.Parallel()
	for args, names := range map[string]string{
		"": "--nats is missing", "--nats nats://127.0.0.1:1 x": "unexpected", "--source here --nats nats://127.0.0.1:1": "here", "--gnats x": "gnats",
		"--nats http://[": "agent",
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{agentWord}, strings.Fields(args)...), nil, &stdout, &stderr)
		if code != exitCannotTell || !strings.Contains(stderr.String(), names) {
			t.Errorf("%q: code %d, stderr %q, want %q", args, code, stderr.String(), names)
		}
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{agentWord, "--help"}, nil, &stdout, &stderr); code != exitPassed || !strings.Contains(stdout.String(), "--nats-ca") {
		t.Errorf("code %d, help %q", code, stdout.String())
	}
}
