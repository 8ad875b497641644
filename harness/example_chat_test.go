package harness_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestChatHub runs the harness on a hub that was written without it: the chat example of
// gorilla/websocket, a model for many hubs.
//
// testdata/chathub/leak_test.go is the test that its author would write. The hub itself is not in
// this repository: `go test -overlay` adds it to that folder from the module cache. This works for
// any package main, which cannot be imported.
func TestChatHub(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles and runs another test")
	}
	t.Run("unchanged", func(t *testing.T) {
		t.Parallel()
		out, err := testChat(t, func(string) string { return "" })
		t.Logf("%s", out)
		if err != nil || strings.Count(string(out), "verdict LEAK") != 2 || strings.Count(string(out), "verdict PASS") != 1 {
			t.Errorf("%v: want two leaks and a pass", err)
		}
	})
	// The control shows that the test above can fail.
	t.Run("with a planted leak", func(t *testing.T) {
		t.Parallel()
		out, err := testChat(t, func(client string) string {
			return strings.Replace(client, "ticker.Stop()", "go func() { select {} }()", 1)
		}, "-run", "TestChat")
		if err == nil || !strings.Contains(string(out), "goroutine of chathub.(*Client).writePump") || !strings.Contains(string(out), "client.go:") {
			t.Errorf("not caught: %v\n%s", err, out)
		}
	})
}

// testChat runs the test beside the hub. change may return another client.go.
func testChat(t *testing.T, change func(client string) string, args ...string) ([]byte, error) {
	t.Helper()
	theirs := chatDir(t)
	here, err := filepath.Abs(filepath.Join("testdata", "chathub"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range []string{"client.go", "hub.go"} {
		files[filepath.Join(here, name)] = filepath.Join(theirs, name)
	}
	client, err := os.ReadFile(filepath.Join(theirs, "client.go"))
	if err != nil {
		t.Fatal(err)
	}
	if changed := change(string(client)); changed != "" {
		if changed == string(client) {
			t.Fatal("there is nothing to change: the example is another one")
		}
		files[filepath.Join(here, "client.go")] = writeChat(t, "client.go", []byte(changed))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": files})
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"test", "-count=1", "-v", "-overlay", writeChat(t, "overlay.json", overlay)}, args...)
	return exec.CommandContext(t.Context(), "go", append(args, "./testdata/chathub")...).CombinedOutput()
}

// chatDir returns the folder of the hub in the module cache.
func chatDir(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/gorilla/websocket").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "examples", "chat")
	if _, err := os.Stat(filepath.Join(dir, "hub.go")); err != nil {
		t.Skipf("the module is here without its examples, vendored perhaps: %v", err)
	}
	return dir
}

func writeChat(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
