package regress_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// program is cmd/pigeonhub in a process of its own.
type program struct {
	cmd        *exec.Cmd
	url, admin string
	logged     chan struct{} // closed at the end of its log
}

// quickFlags returns flags for two free ports and short timeouts.
func quickFlags() []string {
	return []string{"--host", "127.0.0.1", "--port", "0", "--admin-address", "127.0.0.1:0",
		"--ping-interval", "300ms", "--pong-timeout", "300ms", "--first-message-timeout", "500ms", "--message-timeout", "500ms",
		"--close-timeout", "500ms", "--drain-window", "off"}
}

var listening = regexp.MustCompile(`(?:wss?|http)://[0-9.:]+`)

// startProgram starts the program and waits until it has logged the URLs of both listeners, or
// that it has no admin listener.
func startProgram(path string, env []string, flags ...string) (*program, error) {
	p := &program{cmd: exec.Command(path, flags...), logged: make(chan struct{})}
	p.cmd.Env = env
	stderr, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	lines, last, noAdmin := bufio.NewScanner(stderr), "", false
	for (p.url == "" || p.admin == "" && !noAdmin) && lines.Scan() {
		last = lines.Text()
		noAdmin = noAdmin || strings.Contains(last, "no admin listener")
		if at := listening.FindString(last); strings.HasPrefix(at, "ws") {
			p.url = at
		} else if at != "" {
			p.admin = at
		}
	}
	go func() {
		defer close(p.logged)
		io.Copy(io.Discard, stderr) // returns when the process ends
	}()
	if p.url == "" || p.admin == "" && !noAdmin {
		p.kill()
		return nil, fmt.Errorf("the program does not listen: %s", last)
	}
	return p, nil
}

// kill kills the program and waits for its end. It may be called again.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.logged
	_ = p.cmd.Wait() // returns the kill as an error
}

// end sends a signal, waits for the program to exit and returns an error unless its status is 0.
func (p *program) end(ctx context.Context, sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil {
		return err
	}
	select {
	case <-p.logged:
		return p.cmd.Wait()
	case <-ctx.Done():
		p.kill()
		return errors.Join(errors.New("the program does not exit"), ctx.Err())
	}
}

// page returns the URL of a page of the public listener.
func (p *program) page(path string) string { return strings.Replace(p.url, "ws", "http", 1) + path }

// buildProgram builds cmd/pigeonhub in dir, with coverage counters if the suite has them, and
// returns its path. PIGEONHUB_PROGRAM names a binary to use instead.
func buildProgram(ctx context.Context, dir string) (string, error) {
	if built := os.Getenv("PIGEONHUB_PROGRAM"); built != "" {
		return built, nil
	}
	path := filepath.Join(dir, "pigeonhub")
	args := append([]string{"build", "-o", path}, childCoverFlags()...)
	build := exec.CommandContext(ctx, "go", append(args, "./cmd/pigeonhub")...)
	build.Dir = moduleRoot
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	return path, nil
}

// childCoverFlags returns the flags that build a child process with coverage counters, if the suite
// has them.
func childCoverFlags() []string {
	if testing.CoverMode() == "" {
		return nil
	}
	return []string{"-cover", "-covermode=atomic", "-coverpkg=" + strings.Join(coveredPackages, ",")}
}

// programEnv returns the environment of the program. It holds no setting of the hub, and makes
// the heap profile record every object.
func programEnv() []string {
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return !slices.Contains([]string{"PATH", "HOME", "TMPDIR"}, name) && !strings.HasPrefix(name, "MUTANT")
	})
	env = append(env, "GODEBUG=memprofilerate=1")
	if childCounters != "" {
		env = append(env, "GOCOVERDIR="+childCounters)
	}
	return env
}

// programWait bounds the wait for the program, and is long enough for a loaded machine.
const programWait = 30 * time.Second
