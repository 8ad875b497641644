//go:build interop

// Does the hub replace the original? The published PeerPigeon client and server
// decide: `make interop` fetches peerpigeon 1.1.3 (testdata/interop/package.json)
// and runs
//
//   - the browser client in headless Chromium: pages find each other through the
//     hub, link up over WebRTC, survive a killed page and a restarted hub;
//   - the signaling client under Node: every message kind, a refusal, a reconnect;
//   - the conformance check: the same conversations with the published server and
//     with our hub, transcripts compared byte for byte, but for the differences
//     that interop_differences_test.go lists and gives reasons for.
//
// PIGEONHUB_INTEROP_COMMAND names another hub to put in the place of ours. It gets
// PORT, HOST and MAX_CONNECTIONS in its environment and runs beside the scripts of
// testdata/interop, so that
//
//	PIGEONHUB_INTEROP_COMMAND='node reference.mjs' make interop
//
// is the control of the whole test: the published server against itself, with no
// difference allowed. CHROMIUM names the browser when it is not in PATH.
package main_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// commandVariable names a hub to test instead of ours.
const commandVariable = "PIGEONHUB_INTEROP_COMMAND"

func TestInteropNodeClient(t *testing.T) {
	shop := openWorkshop(t)
	hub := startHub(t, shop.candidate(t), freePort(t))

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "client.mjs", "ws://"+hub.addr)
	cmd.Dir = shop.dir
	out, err := cmd.CombinedOutput()
	t.Logf("node client.mjs ws://%s\n%s", hub.addr, out)
	if err != nil {
		t.Fatalf("the published signaling client is not served: %v", err)
	}
	hub.stop(t)
}

// TestInteropConformance plays each conversation to the published server and to
// the hub under test, each in a fresh process.
func TestInteropConformance(t *testing.T) {
	shop := openWorkshop(t)
	candidate, differences := shop.candidate(t), intended
	if os.Getenv(commandVariable) != "" {
		differences = nil
	}
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			want := c.record(t, shop.reference())
			got := c.record(t, candidate)
			report(t, want, got, compare(c.name, want, got, differences))
		})
	}
}

// TestInteropConformanceControl shows that the comparison can pass and can fail:
// the published server equals itself with no difference allowed, and a transcript
// tampered with in any of its parts does not.
func TestInteropConformanceControl(t *testing.T) {
	shop := openWorkshop(t)
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			want := c.record(t, shop.reference())
			got := c.record(t, shop.reference())
			report(t, want, got, compare(c.name, want, got, nil))
			for name, tampered := range tamper(want) {
				if problems := compare(c.name, want, tampered, nil); len(problems) == 0 {
					t.Errorf("a transcript with %s passes as equal", name)
				}
			}
		})
	}
}

// report fails the test with each problem, and with both transcripts once.
func report(t *testing.T, want, got transcript, problems []string) {
	t.Helper()
	for _, p := range problems {
		t.Error(p)
	}
	if len(problems) > 0 {
		t.Logf("published server:\n%s\nhub under test:\n%s", want, got)
	}
}

// indent sets every line of s off.
func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ")
}
