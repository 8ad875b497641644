//go:build linux

package hub_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// benchChild is the benchmark's end of a server process.
type benchChild struct {
	addr  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Reader
	out   *os.File // stdout, for its deadline
}

// startBenchChild starts a fresh server. env holds NAME=value pairs for it alone.
func startBenchChild(kind string, env ...string) (*benchChild, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), benchServerEnv+"="+kind), env...)
	cmd.Stderr = os.Stderr // a panic of the server must be seen
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	c := &benchChild{cmd: cmd, stdin: stdin, lines: bufio.NewReader(stdout), out: stdout.(*os.File)}
	first, err := c.reply()
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("start server %s: %w", kind, err)
	}
	c.addr = first.Addr
	return c, nil
}

// ask sends one command and waits for its answer.
func (c *benchChild) ask(cmd string) (benchStats, error) {
	if _, err := io.WriteString(c.stdin, cmd+"\n"); err != nil {
		return benchStats{}, fmt.Errorf("server: %s: %w", cmd, err)
	}
	st, err := c.reply()
	if err != nil {
		return benchStats{}, fmt.Errorf("server: %s: %w", cmd, err)
	}
	return st, nil
}

func (c *benchChild) reply() (benchStats, error) {
	var st benchStats
	if err := c.out.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return st, err
	}
	line, err := c.lines.ReadBytes('\n')
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal(line, &st); err != nil {
		return st, err
	}
	if st.Err != "" {
		return st, fmt.Errorf("%s", st.Err)
	}
	return st, nil
}

// stop ends the server by ending its stdin, and waits for it. It exits without a shutdown: that is not measured here.
// Stopping twice is harmless.
func (c *benchChild) stop() {
	_ = c.stdin.Close()
	stuck := time.AfterFunc(10*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer stuck.Stop()
	_ = c.cmd.Wait()
}

// benchMark is a moment of a measured window: what both processes had used, and how far the count of units had come.
type benchMark struct {
	at     time.Time
	server benchStats
	client int64 // CPU
	units  float64
}

// mark reads the server between two readings of the count and takes their middle, for the answer of a busy server takes
// its time; both ends of a window err alike.
func (c *benchChild) mark(count func() int64) (benchMark, error) {
	before, t0 := count(), time.Now()
	st, err := c.ask("stats")
	if err != nil {
		return benchMark{}, err
	}
	m := benchMark{server: st, client: benchSelfCPU(), units: float64(before+count()) / 2}
	m.at = t0.Add(time.Since(t0) / 2)
	return m, nil
}

// benchWindow is what was used between two marks.
type benchWindow struct {
	wall             time.Duration
	units            float64
	cpu, client      float64 // ns
	mallocs, alloced float64
}

func benchBetween(a, b benchMark) (benchWindow, error) {
	w := benchWindow{
		wall:    b.at.Sub(a.at),
		units:   b.units - a.units,
		cpu:     float64(b.server.CPU - a.server.CPU),
		client:  float64(b.client - a.client),
		mallocs: float64(b.server.Mallocs - a.server.Mallocs),
		alloced: float64(b.server.TotalAlloc - a.server.TotalAlloc),
	}
	if w.units <= 0 {
		return w, fmt.Errorf("nothing was counted in %v", w.wall)
	}
	return w, nil
}

// perUnit are the metrics every throughput benchmark reports, server CPU first.
func (w benchWindow) perUnit(unit string) benchSample {
	return benchSample{
		{"cpu-us/" + unit, w.cpu / w.units / 1e3},
		{"allocs/" + unit, w.mallocs / w.units},
		{"B/" + unit, w.alloced / w.units},
		{unit + "/s", w.units / w.wall.Seconds()},
		{"server/client-cpu", w.cpu / w.client},
		{"ns/op", float64(w.wall) / w.units},
	}
}

// measureFor takes a window of load that is already running.
func (c *benchChild) measureFor(d time.Duration, count func() int64) (benchWindow, error) {
	start, err := c.mark(count)
	if err != nil {
		return benchWindow{}, err
	}
	time.Sleep(d)
	end, err := c.mark(count)
	if err != nil {
		return benchWindow{}, err
	}
	return benchBetween(start, end)
}
