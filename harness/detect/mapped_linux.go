package detect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
)

// mappedTries is how often the mappings are read again because the runtime has mapped memory
// meanwhile.
const mappedTries = 100

// mappedPages returns the pages that are mapped, less those of the runtime. Of its own memory the
// runtime counts all (runtime/metrics) but about a page for each 64 MiB, as measured with Go 1.26
// and 1.27. Memory that may be neither read nor written is only reserved, and is not counted.
func mappedPages() (pages, error) {
	for range mappedTries {
		before := runtimeMemory()
		table, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			return nil, fmt.Errorf("mapped: %w", err)
		}
		if runtimeMemory() != before {
			continue
		}
		bytesOf, err := parseMaps(table)
		if err != nil {
			return nil, err
		}
		count := pages{}
		for of, n := range bytesOf {
			count[of] = n / int64(os.Getpagesize())
		}
		count[anonymous] -= before/int64(os.Getpagesize()) + before>>26
		return count, nil
	}
	return nil, fmt.Errorf("mapped: the runtime maps memory all the time: %d readings in a row were not of one moment", mappedTries)
}

func runtimeMemory() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

// parseMaps returns the bytes that a process has mapped, by file. The format is in proc_pid_maps(5):
//
//	1ab099000000-1ab099400000 rw-p 00000000 00:00 0    [heap]
func parseMaps(table []byte) (map[string]int64, error) {
	sizes := map[string]int64{}
	for lines := bufio.NewScanner(bytes.NewReader(table)); lines.Scan(); {
		line := lines.Text()
		fields := strings.Fields(line)
		if len(fields) < 5 {
			return nil, fmt.Errorf("mapped: /proc/self/maps: %q has %d fields, want at least 5", line, len(fields))
		}
		from, to, _ := strings.Cut(fields[0], "-")
		low, err := strconv.ParseUint(from, 16, 64)
		high, err2 := strconv.ParseUint(to, 16, 64)
		if err := errors.Join(err, err2); err != nil {
			return nil, fmt.Errorf("mapped: /proc/self/maps: %q: %w", line, err)
		}
		of := anonymous
		if len(fields) > 5 {
			of = strings.Join(fields[5:], " ")
		}
		switch {
		case strings.HasPrefix(of, "[anon:"), of == "[heap]":
			of = anonymous
		case strings.HasPrefix(of, "["): // of the kernel, and the stack of the first thread
			continue
		}
		if of != anonymous || fields[1][0] != '-' || fields[1][1] != '-' {
			sizes[of] += int64(high - low)
		}
	}
	return sizes, nil
}

// mappedOff says why pages cannot be counted: the memory of C grows and shrinks by its own rules,
// and so do the stacks of its threads and the tables of the race detector.
func mappedOff() (why, do string) {
	table, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return "", "" // the reading will say so
	}
	files, err := parseMaps(table)
	if err != nil {
		return "", ""
	}
	for of := range files {
		name := filepath.Base(of)
		if strings.HasPrefix(name, "libc.so") || strings.HasPrefix(name, "libc-") || strings.HasPrefix(name, "ld-") {
			return "the program is linked with C, whose memory grows without a leak", "build with CGO_ENABLED=0, without the race detector"
		}
	}
	if runtime.NumCgoCall() > 0 {
		return "the program calls C, whose memory grows without a leak", "build with CGO_ENABLED=0"
	}
	return "", ""
}
