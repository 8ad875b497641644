//go:build !linux

package detect

import "errors"

func mappedPages() (pages, error) { return nil, errors.New("mapped: can be read on Linux only") }

func mappedOff() (why, do string) { return "mapped memory can be counted on Linux only", "" }
