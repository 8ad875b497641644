//go:build linux && (amd64 || arm64)

package heap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/pigeonhub/pigeonhub/harness/settle"
)

// writeHeapDump writes the dump in a fork of this process, which does nothing else. In Go 1.26
// the dump crashes its process ("dumpgs in STW - bad status") if a goroutine is entering or
// leaving a system call at that moment. Then only the fork ends, and another one is made. This
// process stops only for the fork.
//
// The fork has one thread. It can run only this goroutine, which is locked to the thread. It
// has no descriptors but that of the dump. A lock that another thread held at the moment of
// the fork is never released in it; a fork that waits for such a lock is killed.
func writeHeapDump(ctx context.Context, f *os.File) (*heapDump, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	for attempt := 1; ; attempt++ {
		if err := f.Truncate(0); err != nil {
			return nil, err
		}
		if _, err := f.Seek(0, 0); err != nil {
			return nil, err
		}
		pid, errno := forkForDump(f.Fd(), null.Fd())
		if errno != 0 {
			return nil, fmt.Errorf("fork: %w", errno)
		}
		if err := awaitDump(ctx, pid, f); err != nil {
			return nil, err
		}
		d, err := readHeapDump(f)
		if err == nil || !errors.Is(err, ErrHeapDump) {
			return d, err
		}
		if err := writeOn(f); err != nil {
			return nil, err
		}
		if attempt == dumpAttempts {
			return nil, fmt.Errorf("no fork of the process could write it in %d attempts: %w", attempt, err)
		}
		if !settle.Pause(ctx, time.Duration(attempt)*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
}

// dumpRoom is more bytes than a failed write leaves free on a disk.
const dumpRoom = 1 << 20

// writeOn appends to a truncated dump and returns an error if the disk is full. The runtime
// ignores the errors of its writes.
func writeOn(f *os.File) error {
	_, err := f.Write(make([]byte, dumpRoom))
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("no room for a heap dump: the disk of %s is full: %w", filepath.Dir(f.Name()), err)
	}
	return err
}

// mapFile maps a file into memory, outside of the heap, because a dump of the heap would
// include the dump before.
func mapFile(f *os.File) (raw []byte, unmap func(), err error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 { // an empty file cannot be mapped
		return nil, func() {}, err
	}
	raw, err = syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err != nil {
		return nil, nil, os.NewSyscallError("mmap", err)
	}
	return raw, func() { _ = syscall.Munmap(raw) }, nil
}

const (
	dumpAttempts = 20
	dumpSleeps   = 25 * time.Millisecond // a fork that sleeps for longer waits for a lock
	dumpSpins    = 50                    // hundredths of a second of CPU time without a write: it spins on a lock
	dumpStands   = 10 * time.Second      // the longest time without a write
)

// awaitDump waits until the fork has ended, and kills it if it hangs.
func awaitDump(ctx context.Context, pid int, f *os.File) error {
	size, grown, awake, worked := int64(0), time.Now(), time.Now(), 0
	for wait := 50 * time.Microsecond; ; wait = min(2*wait, 5*time.Millisecond) {
		got, err := syscall.Wait4(pid, nil, syscall.WNOHANG|wallChildren, nil)
		if got == pid || err == syscall.ECHILD {
			return nil
		}
		info, err := f.Stat()
		if err != nil {
			return err
		}
		now := time.Now()
		if info.Size() != size {
			size, grown, awake = info.Size(), now, now
			_, worked = stateOf(pid)
		}
		sleeps, ticks := stateOf(pid)
		if !sleeps {
			awake = now
		}
		if now.Sub(awake) > dumpSleeps || ticks-worked > dumpSpins || now.Sub(grown) > dumpStands || !settle.Pause(ctx, wait) {
			syscall.Kill(pid, syscall.SIGKILL)
			syscall.Wait4(pid, nil, wallChildren, nil)
			return ctx.Err()
		}
	}
}

// stateOf reports whether a process is in an interruptible sleep, and its CPU time in
// hundredths of a second.
func stateOf(pid int) (sleeps bool, ticks int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, ok := bytes.Cut(stat, []byte(") "))
	fields := strings.Fields(string(rest)) // from the third on: see proc_pid_stat(5)
	if err != nil || !ok || len(fields) < 13 {
		return false, 0
	}
	for _, f := range fields[11:13] { // in user mode, and in the kernel
		n, _ := strconv.Atoi(f)
		ticks += n
	}
	return fields[0] == "S", ticks
}

const (
	wallChildren  = 0x40000000 // __WALL: children that end without a signal, too
	sysCloseRange = 436
)

// forkForDump forks. With one processor, all other goroutines are at a safe point or in a
// system call.
func forkForDump(dump, null uintptr) (pid int, errno syscall.Errno) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	return forkAndDump(dump, null)
}

// forkAndDump returns in this process only.
//
//go:norace
//go:noinline
func forkAndDump(dump, null uintptr) (pid int, errno syscall.Errno) {
	// Without a signal at its end, which other code may wait for.
	r, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, 0, 0, 0, 0, 0, 0)
	if r != 0 || errno != 0 {
		return int(r), errno
	}
	syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0)
	syscall.RawSyscall(syscall.SYS_DUP3, null, 0, 0)
	syscall.RawSyscall(syscall.SYS_DUP3, dump, 1, 0)
	syscall.RawSyscall(syscall.SYS_DUP3, null, 2, 0)
	syscall.RawSyscall(sysCloseRange, 3, ^uintptr(0)>>32, 0)
	noCore := syscall.Rlimit{}
	syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, syscall.RLIMIT_CORE, uintptr(unsafe.Pointer(&noCore)), 0, 0, 0)
	debug.SetTraceback("none")
	debug.WriteHeapDump(1)
	for {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
	}
}
