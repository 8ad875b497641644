package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
)

// childHub is a pigeonhub that this process has started.
type childHub struct {
	*cluster.Child
	url, admin string
	built      string // the directory that it was built in, "" if it was not
}

// How long a hub may take to be built, to start and to stop.
const (
	buildPatience = 5 * time.Minute
	startPatience = 20 * time.Second
	stopPatience  = 20 * time.Second
)

// hubFlags choose free ports on loopback, and leave the rest at the defaults.
var hubFlags = []string{"--host=127.0.0.1", "--port=0", "--admin-address=127.0.0.1:0", "--log-format=json",
	"--drain-window=off"}

// startHub starts a hub, and returns when it listens.
func startHub(ctx context.Context, program string, flags []string, log *slog.Logger) (*childHub, error) {
	h := &childHub{}
	program, err := h.find(ctx, program, log)
	if err == nil {
		err = h.start(ctx, exec.Command(program, flags...), log)
	}
	if err != nil {
		h.remove()
		return nil, err
	}
	log.Info("started a hub to check", "url", h.url, "pid", h.PID())
	return h, nil
}

// start starts the hub and waits until both of its listeners are known.
func (h *childHub) start(ctx context.Context, cmd *exec.Cmd, log *slog.Logger) (err error) {
	listening := make(chan struct{})
	if h.Child, err = cluster.StartChild(cmd, h.reader(listening)); err != nil {
		return err
	}
	timer := time.NewTimer(startPatience)
	defer timer.Stop()
	select {
	case <-listening:
		return nil
	case <-h.Exited():
		err = fmt.Errorf("it ended: %w", h.died())
	case <-timer.C:
		err = errors.New("it does not listen")
	case <-ctx.Done():
		err = ctx.Err()
	}
	h.stop(log)
	return fmt.Errorf("%s: %w", cmd.Path, err)
}

// reader returns what reads the URLs in the log of the hub. It closes listening when both
// are known.
func (h *childHub) reader(listening chan<- struct{}) func(string) {
	return func(text string) {
		var line struct{ Msg, URL string }
		if json.Unmarshal([]byte(text), &line) != nil || h.admin != "" {
			return
		}
		switch line.Msg {
		case "listening":
			h.url = line.URL
		case "listening for the operator":
			h.admin = line.URL
			close(listening)
		}
	}
}

// find returns the program: the named one, or one beside loadgen, or in PATH, or it builds
// one.
func (h *childHub) find(ctx context.Context, program string, log *slog.Logger) (string, error) {
	if program != "" {
		return program, nil
	}
	name := "pigeonhub"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(self), name); isFile(beside) {
			return beside, nil
		}
	}
	if found, err := exec.LookPath(name); err == nil {
		return found, nil
	}
	dir, err := os.MkdirTemp("", "loadgen")
	if err != nil {
		return "", err
	}
	h.built = dir
	const source = "github.com/pigeonhub/pigeonhub/cmd/pigeonhub"
	log.Info("building a hub to check", "source", source)
	ctx, cancel := context.WithTimeout(ctx, buildPatience)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, name), source)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, bytes.TrimSpace(out))
	}
	return filepath.Join(dir, name), nil
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// died returns how the hub ended, nil if it runs.
func (h *childHub) died() error {
	how, ended := h.Ended()
	switch {
	case !ended:
		return nil
	case how == nil:
		return errors.New("exit status 0")
	}
	return fmt.Errorf("%w; its last lines: %q", how, h.Said())
}

// stop ends the hub by SIGTERM, or kills it if that takes too long.
func (h *childHub) stop(log *slog.Logger) {
	defer h.remove()
	if h.died() != nil {
		return
	}
	begin := time.Now()
	if h.Stop(h.Terminate, stopPatience) {
		log.Warn("the hub did not stop and was killed", "after", stopPatience)
		return
	}
	status := "0"
	if how, _ := h.Ended(); how != nil {
		status = how.Error()
	}
	log.Info("stopped the hub", "status", status, "took", time.Since(begin).Round(time.Millisecond))
}

// remove removes what was built.
func (h *childHub) remove() {
	if h.built != "" {
		os.RemoveAll(h.built)
	}
}
