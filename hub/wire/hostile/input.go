package hostile

import (
	"bytes"
	"fmt"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Input is what one peer sends in its session.
type Input struct {
	Name  string        // begins with "frame: " or "message: "; no two inputs have the same
	Bytes func() []byte // whole frames, ready for the socket, unless Half

	// Ends is why our hub ends the session. ReasonNone means that the session goes on
	// and answers what comes next.
	Ends wire.CloseReason

	// Half reports that the bytes end amid a message. Nothing happens until the rest
	// comes, which no other frame can be, or a timeout passes.
	Half bool
}

// Against returns the inputs after which RFC 6455 has every server fail the connection
// with the code of Ends.
func Against(inputs []Input) (list []Input) {
	for _, in := range inputs {
		switch in.Ends.Code() {
		case wire.CodeProtocolError, wire.CodeInvalidUTF8:
			list = append(list, in)
		}
	}
	return list
}

// Large returns a message of one frame as a message of two: a frame of n spaces, and what it was.
// To a parser of JSON it is the same message.
func Large(in Input, n int) Input {
	whole := in.Bytes
	in.Name += fmt.Sprintf(", after %d spaces", n)
	in.Bytes = func() []byte {
		last := whole()
		first := Frame(last[0]&^Final, bytes.Repeat([]byte(" "), n))
		last[0] = Final | Continuation
		return append(first, last...)
	}
	return in
}

func fixed(b []byte) func() []byte { return func() []byte { return bytes.Clone(b) } }
