//go:build interop

package main_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// scripts is where the page, the Node scripts and the manifest live.
const scripts = "../../testdata/interop"

// A workshop is a folder with our scripts beside the published packages.
type workshop struct {
	dir      string
	packages string // node_modules
}

// openWorkshop makes one. The packages are downloaded once a machine and kept in
// the user's cache folder, under a name made of the manifest.
func openWorkshop(t *testing.T) workshop {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatal(errNoNode)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(scripts)); err != nil {
		t.Fatal(err)
	}
	packages := filepath.Join(installed(t), "node_modules")
	if err := os.Symlink(packages, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return workshop{dir: dir, packages: packages}
}

// installed returns the folder with the packages of the manifest, which is either
// whole or not there.
func installed(t *testing.T) string {
	t.Helper()
	manifest, err := os.ReadFile(filepath.Join(scripts, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir() // no home folder: download for this test only
	}
	parent := filepath.Join(cache, "pigeonhub-interop")
	dir := filepath.Join(parent, fmt.Sprintf("%x", sha256.Sum256(manifest))[:16])
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := install(parent, dir, manifest); err != nil {
		t.Fatal(err)
	}
	return dir
}

// install runs npm beside dir and moves the result there. No package gets to run
// a script of its own: the server needs none of the native parts.
func install(parent, dir string, manifest []byte) error {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(parent, "install-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if err := os.WriteFile(filepath.Join(scratch, "package.json"), manifest, 0o644); err != nil {
		return err
	}
	cmd := exec.Command("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
	cmd.Dir = scratch
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm install of the published packages: %w\n%s", err, out)
	}
	if err := os.Rename(scratch, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr != nil {
			return err // and not: another test run was faster
		}
	}
	return nil
}
