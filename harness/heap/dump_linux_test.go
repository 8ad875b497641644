//go:build linux && (amd64 || arm64)

package heap

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

func TestWriteOn(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	if err := writeOn(full); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk of /dev is full") {
		t.Errorf("full: %v", err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "dump"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := writeOn(f); err != nil {
		t.Errorf("with room: %v", err)
	}
}

// On a full disk no fork can write the dump, and the first attempt returns the reason.
func TestHeapDumpOnAFullDisk(t *testing.T) {
	t.Parallel()
	if inMountNamespace(t) {
		return
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip(err)
	}
	defer syscall.Unmount(dir, 0)
	_, _, err := Retainers(t.Context(), dir, nil, nil)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk of "+dir+" is full") {
		t.Errorf("got %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) > 0 {
		t.Errorf("%d files left", len(files))
	}
}

// inMountNamespace runs the test in a process that may mount, and reports false in it. It skips the
// test if the system does not permit that.
func inMountNamespace(t *testing.T) bool {
	cmd := fixture.ChildCommand(t)
	if cmd == nil {
		return false
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	t.Logf("child:\n%s", out)
	if cmd.Process == nil || strings.Contains(string(out), "--- SKIP: "+t.Name()) {
		t.Skipf("no mounts of its own: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("child: %v", err)
	}
	return true
}
