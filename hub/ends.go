package hub

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// endsKept is how many ends are kept of each reason. A flood for one reason so hides no other.
const endsKept = 32

// End describes a session that has ended, or a request for one that was refused.
type End struct {
	At      time.Time
	What    string      // "refused", "cut", or "" if the peer ended it or the hub shut down
	Reason  string      // RefuseReason or wire.CloseReason
	PeerID  wire.PeerID // as the peer gave it: it may be invalid, and is cut to 47 bytes as the other texts are
	Address string
	Network string // that the session was in last; "" for none
	Why     string // more about the reason, such as what is wrong with the token; "" for most

	// Zero for a request.
	Lasted    time.Duration
	Messages  int64 // received
	SentBytes int64
}

// endings are the latest ends of each reason. Their size is fixed and they refer to nothing, so
// that no session and no request is retained.
type endings struct {
	mu      sync.Mutex
	refused [NumRefuseReasons]endRing
	ended   [wire.NumCloseReasons]endRing
}

type endRing struct {
	n    int // that were ever added
	ends [endsKept]end
}

// end is an End without references.
type end struct {
	at, lasted            time.Duration // at is of Hub.clock
	messages, sent        int64
	id, address, net, why shortText
}

// shortText is a string that is stored by value, cut if it is longer.
type shortText struct {
	n     uint8
	bytes [47]byte
}

func short(s string) (t shortText) {
	t.n = uint8(copy(t.bytes[:], s))
	return t
}

func (t *shortText) String() string { return strings.ToValidUTF8(string(t.bytes[:t.n]), "\uFFFD") }

func (r *endRing) add(e end) {
	r.ends[r.n%endsKept] = e
	r.n++
}

// noteRefusal keeps a refused request. why may be nil.
func (h *Hub) noteRefusal(reason RefuseReason, address string, r *http.Request, why error) {
	of := end{at: h.clock(), id: short(r.URL.Query().Get("peerId")), address: short(address)}
	if why != nil {
		of.why = short(why.Error())
	}
	h.ends.mu.Lock()
	defer h.ends.mu.Unlock()
	h.ends.refused[reason].add(of)
}

// noteEnd keeps the end of a session. The caller is its reader, after the last write.
func (s *session) noteEnd(why wire.CloseReason) {
	of := end{
		at: s.hub.clock(), id: short(string(s.id)), address: short(s.address), net: short(s.lastNetwork),
		messages: s.info().Messages, sent: s.written.bytes,
	}
	if !s.began.IsZero() {
		of.lasted = time.Since(s.began)
	}
	e := s.hub.ends
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended[why].add(of)
}

// Ends returns the latest ends and refusals, those of last first: up to 32 for each reason.
func (h *Hub) Ends() (list []End) {
	h.ends.mu.Lock()
	for i := range h.ends.refused {
		list = h.appendEnds(list, &h.ends.refused[i], "refused", RefuseReason(i).String())
	}
	for i := range h.ends.ended {
		why := wire.CloseReason(i)
		list = h.appendEnds(list, &h.ends.ended[i], whatEnded(why), why.String())
	}
	h.ends.mu.Unlock()
	slices.SortStableFunc(list, func(a, b End) int { return b.At.Compare(a.At) })
	return list
}

func (h *Hub) appendEnds(list []End, r *endRing, what, reason string) []End {
	for i := range min(r.n, endsKept) {
		e := &r.ends[i]
		list = append(list, End{
			At: h.started.Add(e.at), What: what, Reason: reason, PeerID: wire.PeerID(e.id.String()), Address: e.address.String(),
			Network: e.net.String(), Why: e.why.String(), Lasted: e.lasted, Messages: e.messages, SentBytes: e.sent,
		})
	}
	return list
}
