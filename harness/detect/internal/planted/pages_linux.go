package planted

import (
	"os"
	"syscall"
)

// Pages maps n pages of memory.
func Pages(n int64) ([]byte, error) {
	return syscall.Mmap(-1, 0, int(n)*os.Getpagesize(), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
}

// Unmap unmaps what Pages has mapped.
func Unmap(pages []byte) { _ = syscall.Munmap(pages) }
