package detect

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const proc = "/proc/self"

// ReadDescriptors returns the open descriptors of this process. It leaves out the epoll and eventfd
// descriptors of the runtime, and the one that it opens itself.
func ReadDescriptors() ([]Descriptor, error) {
	all, err := listDescriptors()
	if err != nil {
		return nil, err
	}
	return all, addTables(all)
}

// addTables sets the kinds, states and addresses of sockets, which the tables of the kernel have.
func addTables(all []Descriptor) error {
	sockets := map[string]*Descriptor{} // by inode
	for i := range all {
		if inode, ok := bracketed(all[i].Link, "socket:"); ok {
			sockets[inode] = &all[i]
		}
	}
	if len(sockets) == 0 {
		return nil
	}
	// If a table is missing, such as those of IPv6, its sockets have no state.
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		if err := readTable(proc+"/net/"+table, func(line string) { setInet(sockets, table, line) }); err != nil {
			return fmt.Errorf("descriptors: %w", err)
		}
	}
	if err := readTable(proc+"/net/unix", func(line string) { setUnix(sockets, line) }); err != nil {
		return fmt.Errorf("descriptors: %w", err)
	}
	return nil
}

// listDescriptors reads the links of the descriptors.
func listDescriptors() (all []Descriptor, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("descriptors: %w", err)
		}
	}()
	dir, err := os.Open(filepath.Join(proc, "fd"))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	own := strconv.FormatUint(uint64(dir.Fd()), 10)
	for _, name := range names {
		link, err := os.Readlink(filepath.Join(proc, "fd", name))
		if errors.Is(err, fs.ErrNotExist) || name == own {
			continue // closed since, or the folder that is being read
		}
		if err != nil {
			return nil, err
		}
		fd, err := strconv.Atoi(name)
		if err != nil {
			return nil, err
		}
		d := Descriptor{FD: fd, Link: link, Kind: kindOfLink(link)}
		if d.Kind != "anon_inode:[eventpoll]" && d.Kind != "anon_inode:[eventfd]" {
			all = append(all, d)
		}
	}
	return all, nil
}

// kindOfLink returns the kind of descriptor that a link leads to. The tables have the kind of
// a socket.
func kindOfLink(link string) string {
	kind, _, _ := strings.Cut(link, ":")
	switch {
	case kind == "socket" || kind == "pipe":
		return kind
	case strings.HasPrefix(link, "anon_inode:"):
		return link
	}
	return "file"
}

// bracketed returns n of prefix[n].
func bracketed(link, prefix string) (string, bool) {
	s, ok := strings.CutPrefix(link, prefix+"[")
	return strings.TrimSuffix(s, "]"), ok
}

// readTable calls f with each line of a table, without its headline.
func readTable(path string, f func(line string)) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for head := true; lines.Scan(); head = false {
		if !head && !bytes.Contains(lines.Bytes(), timeWait) {
			f(lines.Text())
		}
	}
	return lines.Err()
}

// timeWait is in the lines of sockets in TIME_WAIT (state 6, no bytes queued, timer 3), which
// no process holds. After a churn there are tens of thousands.
var timeWait = []byte(" 06 00000000:00000000 03:")

// tcpStates are the kernel's names of the states, by number.
var tcpStates = [...]string{
	"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
	"LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
}

// setInet sets what a line of /proc/net/tcp, tcp6, udp or udp6 has of a socket:
//
//	0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1604 ...
func setInet(sockets map[string]*Descriptor, table, line string) {
	f := strings.Fields(line)
	if len(f) < 10 || sockets[f[9]] == nil {
		return
	}
	d := sockets[f[9]]
	d.Kind = strings.TrimSuffix(table, "6")
	d.Local, d.Remote = inetAddress(f[1]), inetAddress(f[2])
	if d.Kind != "tcp" {
		return
	}
	if n, err := strconv.ParseUint(f[3], 16, 8); err == nil && n < uint64(len(tcpStates)) {
		d.State = tcpStates[n]
	}
	if d.State == "LISTEN" {
		d.Kind, d.Remote = "tcp listener", ""
	}
}

// inetAddress decodes an address: words in the byte order of the machine, then the port.
func inetAddress(s string) string {
	ip, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(ip)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(b)%4 != 0 {
		return s
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	return net.JoinHostPort(net.IP(b).String(), strconv.FormatUint(n, 10))
}

// setUnix sets what a line of /proc/net/unix has of a socket:
//
//	0000000000000000: 00000002 00000000 00010000 0001 01 21512 /run/a.sock
func setUnix(sockets map[string]*Descriptor, line string) {
	f := strings.Fields(line)
	if len(f) < 7 || sockets[f[6]] == nil {
		return
	}
	d := sockets[f[6]]
	d.Kind = "unix"
	switch {
	case f[3] == "00010000": // accepts connections
		d.Kind = "unix listener"
	case f[5] == "01":
		d.State = "UNCONNECTED"
	case f[5] == "03":
		d.State = "CONNECTED"
	}
	if len(f) > 7 {
		d.Local = f[7]
	}
}
