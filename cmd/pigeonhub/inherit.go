package main

import (
	"net"
	"os"
)

// inherited is what a process gets from the one that started it: systemd by a socket
// unit, or the hub that it succeeds by handOver.
type inherited struct {
	public, admin net.Listener // nil: none
	held          bool         // systemd keeps the socket for peers open while no hub runs
	ready         *os.File     // where handOver waits for the start; nil after systemd
}

// Names of descriptors that are passed on. One of another name is a socket for peers.
const (
	namePublic = "public"
	nameHeld   = "held" // a socket for peers, if systemd holds it
	nameAdmin  = "admin"
	nameReady  = "ready"
)

// startsWell is what a process reports once it serves. Any other text is the reason why it
// does not.
const startsWell = "ready"

// report reports to the process that hands over. Only the first report counts.
func (in *inherited) report(text string) {
	if in.ready != nil {
		in.ready.WriteString(text)
		in.ready.Close()
		in.ready = nil
	}
}
