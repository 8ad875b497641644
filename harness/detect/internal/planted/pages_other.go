//go:build !linux

package planted

import "errors"

// Pages is implemented for Linux only, as the detector that counts them.
func Pages(int64) ([]byte, error) { return nil, errors.ErrUnsupported }

// Unmap does nothing.
func Unmap([]byte) {}
