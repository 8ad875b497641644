//go:build !unix

package main

// inherit returns nothing: this system has no way to pass sockets.
func inherit(map[string]string) (inherited, error) { return inherited{}, nil }
