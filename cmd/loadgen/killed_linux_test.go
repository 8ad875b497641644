package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"
)

// A loadgen that is killed can do nothing any more, and yet leaves no hub behind.
func TestKilledLeavesNoHub(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "steady", "--peers=10", "--duration=10m", "--report=")
	cmd.Env = append(os.Environ(), asProgram+"=1", "TMPDIR="+t.TempDir()) // it cannot remove the hub that it builds
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	started := regexp.MustCompile(`started a hub to check .*pid (\d+)`)
	hub := ""
	for lines := bufio.NewScanner(stderr); hub == "" && lines.Scan(); {
		if m := started.FindStringSubmatch(lines.Text()); m != nil {
			hub = m[1]
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if hub == "" {
		t.Fatal("it started no hub")
	}
	begun := stat(hub)
	for end := time.Now().Add(20 * time.Second); begun != "" && stat(hub) == begun; pause(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the hub, process %s, is there still", hub)
		}
	}
}

// stat names a process that runs: its number may be another's afterwards.
func stat(pid string) string {
	at, err := os.Readlink(fmt.Sprintf("/proc/%s/exe", pid))
	if err != nil {
		return ""
	}
	return at
}
