//go:build !linux

package harness

import "errors"

// ReadDescriptors is implemented for Linux only.
func ReadDescriptors(int) ([]Descriptor, error) {
	return nil, errors.New("descriptors: can be read on Linux only")
}
