package admin

import (
	"cmp"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
)

// How many rows the tables have at most.
const (
	topPeers     = 20
	topSlow      = 10
	topNetworks  = 20
	topHubs      = 20
	lastEnds     = 20
	lastOfReason = 5 // of them on the first page, so that a frequent reason leaves room for others
	topSources   = 8
)

// fewSessions is the number below which the memory of the program itself outweighs theirs.
const fewSessions = 500

// overview is what the first page shows.
type overview struct {
	frame
	Stats   hub.Stats
	Unready string // why no new peers are accepted, or ""
	Room    room

	Reasons []reasonRow
	Sources []sourceRow
	Ends    []hub.End // refused or cut

	Suspected      []suspectRow
	HeapEach       int64 // live heap for each session; 0 for fewer than fewSessions
	Outside        int   // goroutines that are not the hub's
	Networks       []hub.NetworkInfo
	Sort           string
	Talkers        []hub.SessionInfo
	Slow, Hubs     []hub.SessionInfo
	PID            int
	Version        string
	Last           hub.Moment // the latest moment of History
	HourRefused    uint64     // since the first moment of History
	HourCut        uint64
	Plots          []plot
	Table          plotTable
	Drain          bool // there is a button for it
	Restart, Sorts []string
}

type reasonRow struct {
	What, Reason, Means string
	Count               uint64
	Last                time.Time // of the ones that are kept; zero for none
}

type sourceRow struct {
	Address string
	Count   int
	Reason  string // of the last one
}

type suspectRow struct {
	Collection string
	Growth     float64
}

func (o *operator) overview(w http.ResponseWriter, r *http.Request) {
	if !o.enter(w, r) {
		return
	}
	defer o.leave()
	st, now := o.hub.Stats(), time.Now()
	v := overview{
		frame: o.frame(r, "PigeonHub", now), Stats: st, Unready: unready(st), Room: roomOf(st),
		Outside: max(0, st.Memory.Goroutines-st.Goroutines), Drain: o.drain != nil, Restart: o.restart, Sorts: slices.Sorted(maps.Keys(sorts)),
		PID: os.Getpid(), Version: o.version,
	}
	if st.Sessions >= fewSessions {
		v.HeapEach = st.Memory.HeapMarked / int64(st.Sessions)
	}
	if st.Draining {
		v.Refresh = refreshSoon
	}
	v.readEnds(o.hub.Ends())
	v.readPeers(o.hub, r.FormValue("sort"))
	v.readHistory(o.hub.History())
	for collection, growth := range st.Suspected {
		if growth > 0 {
			v.Suspected = append(v.Suspected, suspectRow{collection, growth})
		}
	}
	slices.SortFunc(v.Suspected, func(a, b suspectRow) int { return cmp.Compare(a.Collection, b.Collection) })
	o.write(w, http.StatusOK, "overview", v)
}

// readEnds reads the ends, the latest of which is first.
func (v *overview) readEnds(ends []hub.End) {
	latest, sources, shown := make(map[string]hub.End), make(map[string]*sourceRow), make(map[string]int)
	for _, e := range ends {
		if _, ok := latest[e.Reason]; !ok {
			latest[e.Reason] = e
		}
		if e.What == "" {
			continue
		}
		if shown[e.Reason]++; shown[e.Reason] <= lastOfReason && len(v.Ends) < lastEnds {
			v.Ends = append(v.Ends, e)
		}
		if sources[e.Address] == nil {
			sources[e.Address] = &sourceRow{Address: e.Address, Reason: e.Reason}
		}
		sources[e.Address].Count++
	}
	many := newTop(topSources, func(a, b sourceRow) int {
		return cmp.Or(cmp.Compare(a.Count, b.Count), cmp.Compare(b.Address, a.Address))
	})
	for _, s := range sources {
		many.add(*s)
	}
	v.Sources = many.list
	v.addReasons(v.Stats.RefusedHTTP, latest)
	v.addReasons(v.Stats.Ended, latest)
	order := []string{"refused", "cut", ""}
	slices.SortFunc(v.Reasons, func(a, b reasonRow) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.What), slices.Index(order, b.What)),
			cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
}

// addReasons adds the reasons that have occurred. Of each the hub keeps an end, which says whether
// that was refused or cut.
func (v *overview) addReasons(counts map[string]uint64, latest map[string]hub.End) {
	for reason, n := range counts {
		if last := latest[reason]; n > 0 {
			v.Reasons = append(v.Reasons, reasonRow{What: last.What, Reason: reason, Means: meanings[reason], Count: n, Last: last.At})
		}
	}
}

// readPeers reads all sessions and networks, of which it keeps the largest.
func (v *overview) readPeers(h *hub.Hub, sort string) {
	compare, ok := sorts[sort]
	if !ok {
		sort, compare = "bytes", sorts["bytes"]
	}
	v.Sort = sort
	talkers, slow, hubs := newTop(topPeers, at(v.Now, compare)), newTop(topSlow, at(v.Now, sorts["waiting"])), newTop(topHubs, at(v.Now, compare))
	for s := range h.AllSessions() {
		talkers.add(s)
		if s.Stalled || s.Queued > 0 {
			slow.add(s)
		}
		if s.IsHub {
			hubs.add(s)
		}
	}
	networks := newTop(topNetworks, func(a, b hub.NetworkInfo) int {
		return cmp.Or(cmp.Compare(a.Members, b.Members), cmp.Compare(b.Name, a.Name))
	})
	for n := range h.AllNetworks() {
		networks.add(n)
	}
	v.Talkers, v.Slow, v.Hubs, v.Networks = talkers.list, slow.list, hubs.list, networks.list
}

func (v *overview) readHistory(moments []hub.Moment) {
	if len(moments) == 0 {
		return
	}
	first := moments[0]
	if first.At.Sub(v.Stats.StartedAt) < time.Minute {
		first = hub.Moment{} // the hub is younger than an hour
	}
	v.Last = moments[len(moments)-1]
	v.HourRefused, v.HourCut = v.Last.Refused-first.Refused, v.Last.Cut-first.Cut
	v.Plots = plots(moments, v.Now)
	v.Table = tableOf(v.Plots, moments)
}
