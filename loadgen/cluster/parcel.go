package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/preflight"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// Parcel is one message between the coordinator of a run and a worker. Exactly one of its
// fields is set.
type Parcel struct {
	Job    *Job     `json:"job,omitempty"`    // coordinator: the first parcel
	Order  *Order   `json:"order,omitempty"`  // coordinator: run this; Done answers it
	Cancel bool     `json:"cancel,omitempty"` // coordinator: end the order under way
	Stop   bool     `json:"stop,omitempty"`   // coordinator: the run is over
	Ready  *Ready   `json:"ready,omitempty"`  // worker: the answer to the job
	Delta  *Delta   `json:"delta,omitempty"`  // worker: counts since the last one
	Done   *Outcome `json:"done,omitempty"`   // worker: the result of an order
}

// Job describes the run to a worker.
type Job struct {
	URL     string       `json:"url"`
	Plan    plan.Plan    `json:"plan"`
	Index   int          `json:"index"` // of the share, from 0
	Of      int          `json:"of"`
	Sources []netip.Addr `json:"sources,omitempty"`

	Preflight bool `json:"preflight"` // the worker has a machine of its own and must check it
}

// Order is a part of the plan to run.
type Order struct {
	Phase int     `json:"phase"`           // its number, from 0
	Block *uint64 `json:"block,omitempty"` // of an experiment, its place
	End   bool    `json:"end,omitempty"`   // of an experiment
}

// Ready answers a job. The worker can begin if there is no error and no advice.
type Ready struct {
	Host   string             `json:"host"`
	PID    int                `json:"pid"`
	Advice []preflight.Advice `json:"advice,omitempty"`
	Error  string             `json:"error,omitempty"`
}

// Outcome is what a profile found, beside the counts.
type Outcome struct {
	Error      string            `json:"error,omitempty"`
	Instead    string            `json:"instead,omitempty"` // a message of the target that answers nothing
	Figures    []report.Figure   `json:"figures,omitempty"`
	Capacities []report.Capacity `json:"capacities,omitempty"`
	Problems   []verdict.Reason  `json:"problems,omitempty"`
	Doubts     []verdict.Reason  `json:"doubts,omitempty"`
	Failures   []verdict.Reason  `json:"failures,omitempty"`
}

// Link carries parcels between the coordinator and one worker, in order, each once.
type Link interface {
	// Send may be called concurrently.
	Send(Parcel) error
	// Receive waits for the next parcel. After an error there are no more parcels.
	Receive() (Parcel, error)
	// Close ends the link and with it the worker, by force when the patience is over. Both
	// sides of a link must be closed.
	Close(patience time.Duration)
	// Name returns the name of the other side.
	Name() string
}

// lines carries parcels as lines of JSON.
type lines struct {
	in *json.Decoder

	mu  sync.Mutex
	out *json.Encoder
}

// NewLines returns the link of a worker process over its stdin and stdout.
func NewLines(in io.Reader, out io.Writer) *lines {
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

// Close does nothing: the side of the worker ends with its process.
func (*lines) Close(time.Duration) {}

func (*lines) Name() string { return "coordinator" }

// Delta is what a process counted since its last delta. The sum of all deltas of all
// processes is exactly what one process would have counted.
type Delta struct {
	Times      latency.Delta      `json:"times"`
	Deliveries delivery.Counts    `json:"deliveries"`
	Scenarios  []verdict.Scenario `json:"scenarios,omitempty"`
	Errors     map[string]int     `json:"errors,omitempty"`
	Counts     Counts             `json:"counts"`
	At         time.Time          `json:"at"` // by the clock of the process that counted
}

// Counts are the counts of a fleet.
type Counts struct {
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
	Cut      int64 `json:"cut"`
	Ignored  int64 `json:"ignored"`  // cut after a message that nothing answered
	Withheld int64 `json:"withheld"` // messages that did not get their turn
	Lives    int64 `json:"lives"`
	Open     int64 `json:"open"`   // open connections; negative if there are fewer
	Memory   int64 `json:"memory"` // bytes of the process; negative if there are fewer
	CPU      int64 `json:"cpu"`    // nanoseconds
}

// Minus returns the counts since the earlier counts o.
func (c Counts) Minus(o Counts) Counts {
	return Counts{c.Sent - o.Sent, c.Received - o.Received, c.Cut - o.Cut, c.Ignored - o.Ignored, c.Withheld - o.Withheld, c.Lives - o.Lives, c.Open - o.Open, c.Memory - o.Memory, c.CPU - o.CPU}
}
