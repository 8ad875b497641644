package loadgen

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/preflight"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// Parcel is one message between the coordinator of a run and a worker. It is one of
// these, and the others are nil.
type Parcel struct {
	Job    *job     `json:"job,omitempty"`    // coordinator: what the run is; the first parcel
	Order  *order   `json:"order,omitempty"`  // coordinator: do this; it is answered by a done
	Cancel bool     `json:"cancel,omitempty"` // coordinator: end what you are doing
	Stop   bool     `json:"stop,omitempty"`   // coordinator: the run is over
	Ready  *ready   `json:"ready,omitempty"`  // worker: the answer to the job
	Books  *books   `json:"books,omitempty"`  // worker: what it counted since the last
	Done   *Outcome `json:"done,omitempty"`   // worker: what came of an order
}

// job is what a worker must know of a run.
type job struct {
	URL     string       `json:"url"`
	Plan    plan.Plan    `json:"plan"`
	Index   int          `json:"index"` // of the share, from 0
	Of      int          `json:"of"`
	Sources []netip.Addr `json:"sources,omitempty"`

	Preflight bool `json:"preflight"` // the worker is on a machine of its own, which it must look at
}

// order is a part of the plan.
type order struct {
	Phase int     `json:"phase"`           // its number, from 0
	Block *uint64 `json:"block,omitempty"` // of an experiment, its place
	End   bool    `json:"end,omitempty"`   // of an experiment
}

// ready says that a worker can begin, if there is no error and no advice.
type ready struct {
	Host   string             `json:"host"`
	PID    int                `json:"pid"`
	Advice []preflight.Advice `json:"advice,omitempty"`
	Error  string             `json:"error,omitempty"`
}

// Outcome is what a profile found beside what is in the books.
type Outcome struct {
	Error    string           `json:"error,omitempty"`
	Figures  []report.Figure  `json:"figures,omitempty"`
	Problems []verdict.Reason `json:"problems,omitempty"`
	Doubts   []verdict.Reason `json:"doubts,omitempty"`
	Failures []verdict.Reason `json:"failures,omitempty"`
}

// Link carries parcels between the coordinator and one worker, in order, each once.
type Link interface {
	// Send may be called concurrently.
	Send(Parcel) error
	// Receive waits for the next parcel. An error says that there will be none, and why.
	Receive() (Parcel, error)
	// Close ends the link and with it the worker, for which it waits so long before it
	// uses force. Both ends of a link are closed.
	Close(patience time.Duration)
	// Name says who is at the other end.
	Name() string
}

// lines are parcels as lines of JSON.
type lines struct {
	in *json.Decoder

	mu  sync.Mutex
	out *json.Encoder
}

func newLines(in io.Reader, out io.Writer) *lines {
	return &lines{in: json.NewDecoder(in), out: json.NewEncoder(out)}
}

func (l *lines) Send(f Parcel) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.out.Encode(f); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

func (l *lines) Receive() (f Parcel, err error) {
	if err = l.in.Decode(&f); err != nil {
		return Parcel{}, fmt.Errorf("receive: %w", err)
	}
	return f, nil
}

// Of the worker's end, which its process ends.
func (*lines) Close(time.Duration) {}
func (*lines) Name() string        { return "coordinator" }
