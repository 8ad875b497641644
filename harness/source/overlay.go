package source

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// overlay maps files to those that the go command compiled in their place.
type overlay map[string]string

func (o overlay) of(file string) string {
	if other, ok := o[file]; ok {
		return other // "" for a removed file: reading it fails, as it should
	}
	return file
}

// readOverlay reads the overlay that GOFLAGS names. Files on disk that it replaces are not
// what was compiled.
func readOverlay() overlay {
	name := ""
	for _, flag := range strings.Fields(os.Getenv("GOFLAGS")) {
		flag = strings.Trim(flag, `'"`)
		if value, ok := strings.CutPrefix(strings.TrimLeft(flag, "-"), "overlay="); ok {
			name = value
		}
	}
	if name == "" {
		return nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	var list struct{ Replace overlay }
	if json.Unmarshal(b, &list) != nil {
		return nil
	}
	replaced := overlay{}
	for file, other := range list.Replace {
		if abs, err := filepath.Abs(file); err == nil {
			replaced[abs] = other
		}
	}
	return replaced
}
