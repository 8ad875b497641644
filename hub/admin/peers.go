package admin

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// sorts are the orders of a list of peers, by the word in the request.
var sorts = map[string]func(now time.Time, s *hub.SessionInfo) float64{
	"bytes":    func(now time.Time, s *hub.SessionInfo) float64 { return float64(s.Received) / age(now, s) },
	"messages": func(now time.Time, s *hub.SessionInfo) float64 { return float64(s.Messages) / age(now, s) },
	"sent":     func(now time.Time, s *hub.SessionInfo) float64 { return float64(s.SentBytes) / age(now, s) },
	"waiting":  func(_ time.Time, s *hub.SessionInfo) float64 { return float64(s.Queued) },
	"oldest":   func(now time.Time, s *hub.SessionInfo) float64 { return age(now, s) },
}

// leastAge is the age below which a session counts as that old, because its first messages come
// at once.
const leastAge = 10 * time.Second

// age returns the seconds that a rate is over.
func age(now time.Time, s *hub.SessionInfo) float64 {
	if s.Began.IsZero() {
		return leastAge.Seconds()
	}
	return max(now.Sub(s.Began), leastAge).Seconds()
}

// at returns a comparison of sessions at a time. Equal ones go by id, so that a page that is
// reloaded does not change for nothing.
func at(now time.Time, of func(time.Time, *hub.SessionInfo) float64) func(a, b hub.SessionInfo) int {
	return func(a, b hub.SessionInfo) int {
		return cmp.Or(cmp.Compare(of(now, &a), of(now, &b)), cmp.Compare(b.PeerID, a.PeerID))
	}
}

// search is the page of the peers that a text finds.
type search struct {
	frame
	Query    string
	Sessions []hub.SessionInfo
	Found    int // sessions
	Ends     []hub.End
	Sort     string
}

// longestQuery is more bytes than an id, an address or the name of a network has.
const longestQuery = wire.MaxNetworkNameBytes

func (o *operator) search(w http.ResponseWriter, r *http.Request) {
	q := strings.TrimSpace(r.FormValue("q"))
	q = q[:min(len(q), longestQuery)]
	if id := wire.PeerID(q); id.Valid() {
		http.Redirect(w, r, "/peers/"+q, http.StatusSeeOther)
		return
	}
	if !o.enter(w, r) {
		return
	}
	defer o.leave()
	now := time.Now()
	v := search{frame: o.frame(r, "Search", now), Query: q, Sort: "bytes"}
	if q != "" {
		found := newTop(topPeers, at(now, sorts[v.Sort]))
		for s := range o.hub.AllSessions() {
			if matches(q, s.PeerID, s.Address, s.Network) {
				v.Found++
				found.add(s)
			}
		}
		v.Sessions = found.list
		v.Ends = o.endsOf(func(e *hub.End) bool { return matches(q, e.PeerID, e.Address, e.Network) })
	}
	o.write(w, http.StatusOK, "search", v)
}

// matches reports whether q is the begin of the id, the address, or the network.
func matches(q string, id wire.PeerID, address, network string) bool {
	return strings.HasPrefix(string(id), q) || address == q || network == q
}

func (o *operator) endsOf(match func(*hub.End) bool) (list []hub.End) {
	for _, e := range o.hub.Ends() {
		if len(list) < lastEnds && match(&e) {
			list = append(list, e)
		}
	}
	return list
}

// peer is the page of one peer.
type peer struct {
	frame
	ID        wire.PeerID
	Connected bool
	Closing   string // why a connection of it is being closed; "" if none is
	Session   hub.SessionInfo
	Age       float64 // seconds that the rates are over
	Ends      []hub.End
}

func (o *operator) peer(w http.ResponseWriter, r *http.Request) {
	id := wire.PeerID(r.PathValue("id"))
	if !id.Valid() {
		http.Error(w, "A peer id has 40 hexadecimal digits.", http.StatusNotFound)
		return
	}
	if !o.enter(w, r) {
		return
	}
	defer o.leave()
	now := time.Now()
	v := peer{frame: o.frame(r, "Peer", now), ID: id, Ends: o.endsOf(func(e *hub.End) bool { return e.PeerID == id })}
	v.Session, v.Connected = o.hub.Session(id)
	v.Age = age(now, &v.Session)
	if !v.Connected {
		v.findClosing(o.hub)
	}
	status := http.StatusOK
	if !v.Connected && v.Closing == "" && len(v.Ends) == 0 {
		status = http.StatusNotFound
	}
	o.write(w, status, "peer", v)
}

// findClosing looks for a connection that is being closed. Its end is known once the peer has answered
// the close frame, or has had its time for that.
func (v *peer) findClosing(h *hub.Hub) {
	for s := range h.AllSessions() {
		if s.PeerID == v.ID && s.Ending != wire.ReasonNone {
			v.Closing, v.Refresh = s.Ending.String(), refreshSoon
			return
		}
	}
}
