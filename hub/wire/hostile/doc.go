// Package hostile lists inputs that no peer should send in a session: frames against
// RFC 6455, and messages against the protocol. Each says what a hub does about it. The
// hub's tests, the leak suite, the conformance kit and the load generator send the same.
//
//	for _, in := range hostile.Frames() {
//		conn.Write(in.Bytes()) // of a session that has been greeted
//		... // it ends with in.Ends.Code(), or goes on
//	}
//
// Floods, slow inputs and handshakes are not here, because they depend on time and on
// what a hub allows. Requests are not of a session: HTTP in which every value is new.
//
//	input.go     what an input is
//	frame.go     bytes of frames
//	frames.go    frames against RFC 6455
//	messages.go  messages against the protocol
//	requests.go  HTTP requests in which all values are new
package hostile
