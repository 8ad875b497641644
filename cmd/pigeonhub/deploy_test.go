package main

import (
	"io/fs"
	"os"
	"regexp"
	"testing"
)

// The files of deploy/ name variables that exist.
func TestDeployFiles(t *testing.T) {
	t.Parallel()
	known := make(map[string]bool)
	for s := range newConfig(nil).all() {
		known[s.variable()] = true
	}
	names := regexp.MustCompile(`\bPIGEONHUB_[A-Z_0-9]+|\bMAX_CONNECTIONS`)
	found := 0
	err := fs.WalkDir(os.DirFS("deploy"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile("deploy/" + path)
		for _, name := range names.FindAllString(string(b), -1) {
			found++
			if !known[name] {
				t.Errorf("deploy/%s names %s, which is no setting", path, name)
			}
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("%d variables found, %v", found, err)
	}
}
