package admin

import (
	"encoding/json"
	"net/http"

	"github.com/pigeonhub/pigeonhub/hub"
)

// state serves /debug/state.
type state struct {
	stats func() hub.Stats
	check func() error
}

// statePage is the JSON of /debug/state.
type statePage struct {
	Invariants  any             `json:"invariants"` // "ok", or the list of violations
	Collections map[string]size `json:"collections"`
	Stats       hub.Stats       `json:"stats"`
}

// size is the length of a collection, and its bound if Stats has one.
type size struct {
	Length int64  `json:"length"`
	Bound  *int64 `json:"bound,omitempty"`
}

// State returns the page /debug/state without its indentation.
func State(h *hub.Hub) []byte {
	page, _ := state{h.Stats, h.CheckInvariants}.page()
	text, _ := json.Marshal(page) // cannot fail: it holds maps and numbers
	return text
}

func (s state) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	page, status := s.page()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.Encode(page) // an error means that the client has disconnected
}

// page returns the page and the HTTP status.
func (s state) page() (page statePage, status int) {
	page, status = statePage{Invariants: "ok", Stats: s.stats()}, http.StatusOK
	if err := s.check(); err != nil {
		page.Invariants, status = texts(err), http.StatusInternalServerError
	}
	page.Collections = make(map[string]size, len(collections))
	for _, c := range collections {
		v := size{Length: c.length(&page.Stats)}
		if c.bound != nil {
			bound := c.bound(&page.Stats)
			v.Bound = &bound
		}
		page.Collections[c.key()] = v
	}
	return page, status
}

// texts returns the texts of the errors that errors.Join has joined.
func texts(err error) []string {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []string{err.Error()}
	}
	var list []string
	for _, e := range joined.Unwrap() {
		list = append(list, e.Error())
	}
	return list
}
