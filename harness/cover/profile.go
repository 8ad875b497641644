package cover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/tools/cover"
)

// ErrNothing reports that there are no counters: no program was built with -cover, or none
// has ended.
var ErrNothing = errors.New("cover: no counters")

// Read returns the counters in directories, added up. It runs go tool covdata.
func Read(ctx context.Context, dirs ...string) (profiles []*cover.Profile, err error) {
	work, err := os.MkdirTemp("", "cover")
	if err != nil {
		return nil, fmt.Errorf("cover: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	file := filepath.Join(work, "profile")
	command := exec.CommandContext(ctx, "go", "tool", "covdata", "textfmt", "-i="+strings.Join(dirs, ","), "-o="+file)
	if out, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cover: %s: %w\n%s", command, err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNothing, strings.Join(dirs, ", "))
	}
	profiles, err = cover.ParseProfilesFromReader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("cover: %w", err)
	}
	return profiles, nil
}
