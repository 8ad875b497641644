//go:build unix

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const firstInherited = 3 // the first descriptor after standard error

// inherit takes over the descriptors that the variables of sd_listen_fds(3) announce. They
// are for this process if LISTEN_PID has its id. handOver cannot know that id, and puts its
// own there.
func inherit(environ map[string]string) (in inherited, err error) {
	n, _ := strconv.Atoi(environ["LISTEN_FDS"])
	names := strings.Split(environ["LISTEN_FDNAMES"], ":")
	pid, _ := strconv.Atoi(environ["LISTEN_PID"])
	fromSystemd := pid == os.Getpid()
	if !fromSystemd && (pid != os.Getppid() || !slices.Contains(names, nameReady)) {
		return in, nil
	}
	for i := range n {
		syscall.CloseOnExec(firstInherited + i)
	}
	for i := range n {
		name := ""
		if i < len(names) {
			name = names[i]
		}
		if err = errors.Join(err, in.take(os.NewFile(uintptr(firstInherited+i), name))); err != nil {
			err = fmt.Errorf("inherited descriptor %d %q: %w", firstInherited+i, name, err)
		}
	}
	in.held = in.public != nil && (fromSystemd || slices.Contains(names, nameHeld))
	return in, err
}

// take takes over one descriptor.
func (in *inherited) take(file *os.File) (err error) {
	if file.Name() == nameReady {
		in.ready = file
		return nil
	}
	defer file.Close()
	ln := &in.public
	if file.Name() == nameAdmin {
		ln = &in.admin
	}
	if *ln != nil {
		return errors.New("there is one for the same purpose already")
	}
	*ln, err = net.FileListener(file)
	return err
}
