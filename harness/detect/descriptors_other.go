//go:build !linux

package detect

import "errors"

// ReadDescriptors is implemented for Linux only.
func ReadDescriptors() ([]Descriptor, error) {
	return nil, errors.New("descriptors: can be read on Linux only")
}

func listDescriptors() ([]Descriptor, error) { return ReadDescriptors() }

func addTables([]Descriptor) error { return nil }
