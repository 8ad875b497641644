package probe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ticks is the number of clock ticks of /proc in a second, on every Linux that Go supports.
const ticks = 100

// Proc reads a process on this machine; 0 is the calling one. Linux only.
//
//	rss_bytes       resident memory
//	rss_anon_bytes  the part of it that is not mapped from files, such as heap and stacks
//	threads
//	descriptors     open descriptors
//	cpu_seconds     CPU time in user mode and in the kernel since its start
//
// The descriptors of another user's process cannot be read. If Proc returns an error, the reading
// has the other numbers.
func Proc(pid int) (map[string]float64, error) {
	dir := "/proc/self"
	if pid != 0 {
		dir = filepath.Join("/proc", strconv.Itoa(pid))
	}
	reading := map[string]float64{}
	var errs []error
	if b, err := os.ReadFile(filepath.Join(dir, "status")); err != nil {
		errs = append(errs, err)
	} else if err := parseStatus(reading, b); err != nil {
		errs = append(errs, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "stat")); err != nil {
		errs = append(errs, err)
	} else if reading["cpu_seconds"], err = parseStat(string(b)); err != nil {
		delete(reading, "cpu_seconds")
		errs = append(errs, err)
	}
	if fds, err := os.ReadDir(filepath.Join(dir, "fd")); err != nil {
		errs = append(errs, err)
	} else {
		reading["descriptors"] = float64(len(fds))
		if pid == 0 || pid == os.Getpid() {
			reading["descriptors"]-- // the one of ReadDir
		}
	}
	if len(errs) > 0 {
		return reading, fmt.Errorf("probe: process %d: %w", pid, errors.Join(errs...))
	}
	return reading, nil
}

var statusFields = map[string]struct {
	name   string
	factor float64
}{
	"VmRSS": {"rss_bytes", 1024}, "RssAnon": {"rss_anon_bytes", 1024}, "Threads": {"threads", 1},
}

// parseStatus reads lines like "VmRSS:     1234 kB".
func parseStatus(reading map[string]float64, b []byte) error {
	found := 0
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		key, rest, _ := strings.Cut(lines.Text(), ":")
		field, ok := statusFields[key]
		value := strings.Fields(rest)
		if !ok || len(value) == 0 {
			continue
		}
		n, err := strconv.ParseUint(value[0], 10, 64)
		if err != nil {
			return fmt.Errorf("status: %s is %q", key, value[0])
		}
		reading[field.name] = float64(n) * field.factor
		found++
	}
	if found < len(statusFields) { // a zombie has threads and no memory
		return fmt.Errorf("status: it has %d of %d fields, so the process has ended", found, len(statusFields))
	}
	return nil
}

// parseStat returns the CPU time. The name of the program comes before it and may contain any
// character. It ends at the last parenthesis.
func parseStat(s string) (seconds float64, err error) {
	fields := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
	const user, system = 11, 12 // fields 14 and 15 of proc(5), without the first two
	if len(fields) <= system {
		return 0, errors.New("stat: too few fields")
	}
	for _, f := range []string{fields[user], fields[system]} {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("stat: the time is %q", f)
		}
		seconds += float64(n) / ticks
	}
	return seconds, nil
}
