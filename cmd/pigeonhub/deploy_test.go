package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
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

// The files of deploy/ are well-formed. Tests of their own run those for Prometheus and, by
// make interop, those for proxies.
func TestDeployFilesParse(t *testing.T) {
	t.Parallel()
	parsed := 0
	err := filepath.WalkDir("deploy", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text := readFile(t, path)
		switch filepath.Ext(path) {
		case ".json":
			if !json.Valid(text) {
				t.Errorf("%s is not JSON", path)
			}
		case ".yaml", ".yml":
			err = parseYAML(text)
		default:
			return nil
		}
		parsed++
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil || parsed < 5 {
		t.Errorf("%d files parsed, %v", parsed, err)
	}
}

// parseYAML parses all documents of a file. A key may be there once only.
func parseYAML(text []byte) error {
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document map[string]any
		if err := d.Decode(&document); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// systemd accepts the units.
func TestSystemdUnits(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not in PATH")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args, dir := []string{"verify"}, t.TempDir()
	for _, name := range []string{"pigeonhub.service", "pigeonhub.socket"} {
		unit := filepath.Join(dir, name)
		text := strings.ReplaceAll(string(readFile(t, "deploy/"+name)), "/usr/local/bin/pigeonhub", program)
		if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, unit)
	}
	if out, err := exec.Command(analyze, args...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
