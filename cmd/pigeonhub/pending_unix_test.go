//go:build unix

package main

import (
	"io"
	"testing"
	"time"
)

// A connection is silent until its first byte has arrived. Looking takes nothing from it.
func TestIsSilent(t *testing.T) {
	t.Parallel()
	ln, err := listen(t.Context(), "127.0.0.1", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	caller := dialAndSend(t, ln.Addr().String(), "")
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if !isSilent(conn) {
		t.Error("a connection that has sent nothing is not silent")
	}
	if _, err := io.WriteString(caller, "G"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); isSilent(conn); {
		if time.Now().After(deadline) {
			t.Fatal("a connection that has sent something is silent")
		}
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	if n, err := conn.Read(make([]byte, 8)); n != 1 {
		t.Errorf("read %d bytes, %v, want the one that was sent", n, err)
	}
}
