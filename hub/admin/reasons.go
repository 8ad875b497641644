package admin

// meanings says in words why a peer was refused or cut, or how it left. The keys are those of
// hub.RefuseReason and wire.CloseReason. A setting is in quotes.
var meanings = map[string]string{
	"handshake":    "no valid WebSocket handshake: most often a scanner",
	"unauthorized": "the token is missing or wrong, has expired, or is for another peer id",
	"origin":       "the page that wants to connect is not in “allowed-origins”",
	"draining":     "the hub is shutting down",
	"memory":       "the process uses more than 90 % of its memory limit",
	"address":      "the address has too many connections, or makes them too fast: “address-connections”, “prefix-connections”, “address-rate”",
	"token":        "too many connections with one token: “token-connections”",

	"capacity":        "the hub is full: “max-connections”",
	"invalid_peer_id": "the peer id is not 40 hexadecimal digits",
	"duplicate_peer":  "another connection with this id is alive, or the id is kept for the address of a peer that was cut",

	"message_too_big":       "a message above “max-message-bytes”, or announce data above “max-announce-bytes”",
	"protocol_error":        "what it sent is not WebSocket",
	"invalid_utf8":          "a text message that is not UTF-8",
	"too_deep":              "a message that is nested too deeply",
	"bad_network":           "a network name that is no string or too long",
	"overload":              "too many large messages at once, or too much unread by all peers together: “read-bytes-total”, “queue-bytes-total”",
	"message_rate":          "more messages than “message-rate” allows",
	"announce_rate":         "more announces than “announce-rate” allows",
	"first_message_timeout": "it connected and sent nothing",
	"message_timeout":       "one message took too long",
	"ping_timeout":          "no answer to a ping: the device is asleep or gone, or the network is down",
	"slow_consumer":         "it did not read what was sent to it: a bad link, or a large network (“queue-bytes”)",
	"write_failed":          "nothing could be written to it: the connection is broken, or it did not read for “write-timeout”",
	"replaced":              "a newer connection of the same peer took over, because this one was dead",
	"operator":              "an operator disconnected it on this page",

	"peer_closed":    "it closed the connection",
	"peer_lost":      "the connection broke without a close frame",
	"goodbye":        "it said goodbye",
	"internal_error": "a bug: the log has a stack",
	"shutdown":       "the hub shut down",
	"none":           "unknown",
}
