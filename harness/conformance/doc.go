// Package conformance checks that a hub speaks the protocol of PeerPigeon 1.x.
//
//	target, err := harness.NewRemote("ws://localhost:3000")
//	err = conformance.Run(ctx, target)
//
// Each Check has the section of hub/wire/PROTOCOL.md that it is about. Run makes all of
// them; a suite that wants a test for each ranges over Checks.
//
// conformance.go has Check and the steps that checks are written in. checks.go has the
// checks of handshakes, announcements, relaying and leaving, messages.go those of frames and
// of malformed messages.
package conformance
