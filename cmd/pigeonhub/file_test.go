package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// writeSettings writes a configuration file and returns its path.
func writeSettings(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pigeonhub.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Each setting can be in the file and then sets what its flag sets. A variable and a flag
// come before the file.
func TestEverySettingInAFile(t *testing.T) {
	t.Parallel()
	for s := range newConfig(nil).all() {
		if s.name == "config" {
			continue
		}
		sample := samples[s.name]
		file := writeSettings(t, "# comment\n"+s.name+": \""+sample+"\"\n")
		byFile := resolved(t, []string{"--config=" + file}, nil)
		byFlag := resolved(t, []string{"--" + s.name + "=" + sample, "--config=" + file}, nil)
		byVariable := resolved(t, nil, []string{s.variable() + "=" + sample, "PIGEONHUB_CONFIG=" + file})
		if !reflect.DeepEqual(fieldsOf(byFile), fieldsOf(byFlag)) {
			t.Errorf("%s: the file sets something else than the flag", s.name)
		}
		for from, c := range map[string]*config{file + ":2": byFile, "--" + s.name: byFlag, s.variable(): byVariable} {
			if got := c.setting(s.name); got.text != sample || got.from != from {
				t.Errorf("%s is %q from %s, want %q from %s", s.name, got.text, got.from, sample, from)
			}
		}
	}
}

func TestFileForms(t *testing.T) {
	t.Parallel()
	c := resolved(t, []string{"--config", writeSettings(t, `
port: 4000
is-hub: false
message-rate: off
auth-token: open sesame
allowed-origins:
  - https://example.org
  - "https://example.net"
`)}, nil)
	if c.port != 4000 || c.hub.IsHub || c.hub.MessageRate != -1 || c.hub.AuthToken != "open sesame" || len(c.hub.AllowedOrigins) != 2 {
		t.Errorf("port %d, is-hub %v, message-rate %v, origins %v", c.port, c.hub.IsHub, c.hub.MessageRate, c.hub.AllowedOrigins)
	}
	for _, empty := range []string{"", "# nothing\n", "---\n"} {
		resolved(t, []string{"--config=" + writeSettings(t, empty)}, nil)
	}
}

// Each mistake in a file is one line with file, line number and what is allowed. No secret
// is quoted, and the exit code is that of a wrong configuration.
func TestMistakesInAFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"port: 1\nprot: 2\n":                          `:2: there is no setting "prot"`,
		"config: other.yaml\n":                        `:1: there is no setting "config"`,
		"port: 1\nhost: a\nport: 2\n":                 ":3: port is there already, at FILE:1",
		"port: many\n":                                `:1: port is "many", must be a whole number`,
		"\nport: [1, 2]\n":                            ":2: port is a list, must be a whole number",
		"host: {hunter2: hunter2}\n":                  ":1: host is a mapping, must be ",
		"host:\n":                                     ":1: host is empty, must be ",
		"allowed-origins: [[hunter2]]\n":              ":1: allowed-origins must be a list of single values",
		"allowed-origins: [a, b]\n":                   `:1: allowed-origins is "a,b", must be`,
		"auth-token: \"hunter2\\x01\"\n":              ":1: auth-token is (secret), must be one line",
		"auth-token:hunter2\n":                        ":1: must be lines such as",
		"- hunter2\n":                                 ":1: must be lines such as",
		"port: 1\n---\nport: 2\n":                     ":2: a second document begins",
		"port: 1\n  host: x\n":                        ":2: mapping values are not allowed",
		"port: 1\nauth-token: *hunter2\n":             ":2: a value that begins with * or & must be in quotes",
		"auth-token: &hunter2 x\nhub-key: *hunter2\n": ":2: hub-key is an alias, must be",
	} {
		file := writeSettings(t, text)
		code, out, err := ask(t, nil, "--config="+file, "--check-config")
		want = "pigeonhub: " + file + strings.ReplaceAll(want, "FILE", file)
		if code != exitConfig || out != "" || strings.Contains(err, "hunter2") || strings.Count(err, "\n") != 2 || !strings.HasPrefix(err, want) {
			t.Errorf("%q: exit code %d, says\n%swant one line that begins with\n%s", text, code, err, want)
		}
	}
	if code, _, err := ask(t, nil, "--config=nowhere.yaml"); code != exitConfig || !strings.Contains(err, "nowhere.yaml") {
		t.Errorf("without the file: exit code %d, says %q", code, err)
	}
}
