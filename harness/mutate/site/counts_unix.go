//go:build unix

package site

import (
	"os"
	"syscall"
	"unsafe"
)

// mapCounts makes the file the memory of the counts. An error ends the program: counts that
// are not taken would look like code that did not run.
func mapCounts(file string) []int64 {
	if file == "" {
		return nil
	}
	const size = 16 * MostMutants
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		panic(err)
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	return unsafe.Slice((*int64)(unsafe.Pointer(&b[0])), size/8)
}
