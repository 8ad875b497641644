package loadgen

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// tag identifies a signal, and carries the times of the action that sent it, in its data.
// The times count from the begin of the run.
type tag struct {
	flow, sequence uint64
	intended       time.Duration
	start          time.Duration
}

const tagField = `"tag":"`

func (t tag) String() string {
	return fmt.Sprintf("%d.%d.%d.%d", t.flow, t.sequence, t.intended, t.start)
}

// parseTag finds the tag in the data of a signal.
func parseTag(data []byte) (t tag, ok bool) {
	_, after, found := bytes.Cut(data, []byte(tagField))
	text, _, closed := bytes.Cut(after, []byte(`"`))
	parts := strings.Split(string(text), ".")
	if !found || !closed || len(parts) != 4 {
		return tag{}, false
	}
	var n [4]int64
	for i, part := range parts {
		var err error
		if n[i], err = strconv.ParseInt(part, 10, 64); err != nil {
			return tag{}, false
		}
	}
	return tag{uint64(n[0]), uint64(n[1]), time.Duration(n[2]), time.Duration(n[3])}, true
}

// signalData returns the data of a signal: what a browser sends, of its usual size, and the
// tag.
func signalData(kind wire.Kind, t tag) []byte {
	switch kind {
	case wire.KindICECandidate:
		return fmt.Appendf(nil, `{"candidate":%q,"sdpMid":"0","sdpMLineIndex":0,%s%s"}`, candidate, tagField, t)
	default:
		return fmt.Appendf(nil, `{"type":%q,"sdp":"%s",%s%s"}`, kind, sdp, tagField, t)
	}
}

const candidate = "candidate:842163049 1 udp 1677729535 203.0.113.77 46154 typ srflx raddr 10.0.0.17 rport 46154 generation 0 ufrag 8hhY network-cost 999"

// sdp is a session description of a data channel with its candidates, escaped for JSON.
// Shipped clients send between one and three kilobytes.
var sdp = `v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\n` +
	`m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:8hhY\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\n` +
	`a=fingerprint:sha-256 ` + strings.TrimSuffix(strings.Repeat("4A:", 32), ":") + `\r\na=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\n` +
	`a=max-message-size:262144\r\n` + strings.Repeat(`a=`+candidate+`\r\n`, 8)
