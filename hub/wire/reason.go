package wire

// CloseReason names why a session ended or was refused after the upgrade. It is a
// closed set. String is the word in logs and metric labels; Code and Text are in the
// close frame that the peer gets.
type CloseReason uint8

// The reasons. The ones of the protocol have its exact text (section 3); the text of
// the others begins with their String.
const (
	ReasonNone CloseReason = iota

	// Ended by the peer.
	ReasonPeerClosed // it sent a close frame
	ReasonPeerLost   // the connection broke without one
	ReasonGoodbye    // it sent a goodbye

	// Refused after the upgrade.
	ReasonInvalidPeerID
	ReasonDuplicatePeer
	ReasonCapacity

	// Cut for what it sent.
	ReasonMessageTooBig
	ReasonProtocolError
	ReasonInvalidUTF8
	ReasonTooDeep
	ReasonBadNetwork
	ReasonOverload
	ReasonMessageRate
	ReasonAnnounceRate

	// Cut for what it did not do in time.
	ReasonFirstMessageTimeout
	ReasonMessageTimeout
	ReasonPingTimeout
	ReasonSlowConsumer
	ReasonWriteFailed
	ReasonReplaced

	// Cut by the operator.
	ReasonOperator

	// Ended by the hub.
	ReasonInternalError
	ReasonShutdown

	NumCloseReasons
)

// Close codes of RFC 6455 section 7.4.1 that a hub uses.
const (
	CodeNormal        = 1000
	CodeProtocolError = 1002
	CodeNoStatus      = 1005 // never on the wire: a close frame without a code
	CodeInvalidUTF8   = 1007
	CodePolicy        = 1008
	CodeTooBig        = 1009
	CodeInternalError = 1011
	CodeTryAgainLater = 1013
)

var closeReasons = [NumCloseReasons]struct {
	label string
	code  int // 0: no close frame is sent
	text  string
}{
	ReasonNone:                {"none", 0, ""},
	ReasonPeerClosed:          {"peer_closed", 0, ""},
	ReasonPeerLost:            {"peer_lost", 0, ""},
	ReasonGoodbye:             {"goodbye", CodeNormal, "goodbye"},
	ReasonInvalidPeerID:       {"invalid_peer_id", CodePolicy, "Invalid peerId format"},
	ReasonDuplicatePeer:       {"duplicate_peer", CodePolicy, "Peer already connected"},
	ReasonCapacity:            {"capacity", CodePolicy, "Maximum connections reached"},
	ReasonMessageTooBig:       {"message_too_big", CodeTooBig, ""},
	ReasonProtocolError:       {"protocol_error", CodeProtocolError, ""},
	ReasonInvalidUTF8:         {"invalid_utf8", CodeInvalidUTF8, ""},
	ReasonTooDeep:             {"too_deep", CodePolicy, "too_deep: message nested too deeply"},
	ReasonBadNetwork:          {"bad_network", CodePolicy, "bad_network: networkName is no string or too long"},
	ReasonOverload:            {"overload", CodeTryAgainLater, "overload: too many large messages at once"},
	ReasonMessageRate:         {"message_rate", CodePolicy, "message_rate: too many messages"},
	ReasonAnnounceRate:        {"announce_rate", CodePolicy, "announce_rate: too many announces"},
	ReasonFirstMessageTimeout: {"first_message_timeout", CodePolicy, "first_message_timeout: no message came"},
	ReasonMessageTimeout:      {"message_timeout", CodePolicy, "message_timeout: a message took too long"},
	ReasonPingTimeout:         {"ping_timeout", CodePolicy, "ping_timeout: no answer to a ping"},
	ReasonSlowConsumer:        {"slow_consumer", CodePolicy, "slow_consumer: too many bytes unread"},
	ReasonWriteFailed:         {"write_failed", 0, ""},
	ReasonReplaced:            {"replaced", CodePolicy, "replaced: a newer connection of this peer took over"},
	ReasonOperator:            {"operator", CodePolicy, "operator: disconnected by the operator"},
	ReasonInternalError:       {"internal_error", CodeInternalError, "internal_error"},
	ReasonShutdown:            {"shutdown", CodeNormal, "Server shutting down"},
}

// known returns r, or ReasonNone if r is out of range.
func (r CloseReason) known() CloseReason {
	if r >= NumCloseReasons {
		return ReasonNone
	}
	return r
}

// String returns the label.
func (r CloseReason) String() string { return closeReasons[r.known()].label }

// Code returns the code of the close frame, 0 when none is sent.
func (r CloseReason) Code() int { return closeReasons[r.known()].code }

// Text returns the reason text of the close frame.
func (r CloseReason) Text() string { return closeReasons[r.known()].text }
