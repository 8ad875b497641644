package admin

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/arl/statsviz"

	"github.com/pigeonhub/pigeonhub/hub"
)

const (
	plotsRoot     = "/debug/statsviz"
	plotsInterval = time.Second
	maxViewers    = 8 // pages that may show the plots at once
)

// collecting holds a value while a statsviz.Server runs. statsviz reads the runtime's
// metrics into a package variable, so two servers would race.
var collecting = make(chan struct{}, 1)

var (
	errStopped        = errors.New("the hub's admin handler has been stopped")
	errTooManyViewers = errors.New("too many pages show the plots already")
	errOtherHub       = errors.New("the plots of another hub in this process are being watched")
)

// plots serves statsviz. A statsviz.Server collects all the time and never closes a
// connection. Here one runs only while a page shows the plots, and each connection is
// owned by its viewer.
type plots struct {
	// Fixed after construction.
	stats   func() hub.Stats
	options []statsviz.Option

	rates rates // owned by the goroutine of the running server

	mu       sync.Mutex
	server   *statsviz.Server // nil if none runs
	retired  context.Context  // ends with the collecting goroutine of server
	retire   context.CancelFunc
	viewers  map[*viewer]struct{}
	stopping bool
	handlers sync.WaitGroup // one for each viewer
}

func newPlots(stats func() hub.Stats) (*plots, error) {
	p := &plots{
		stats:   stats,
		viewers: make(map[*viewer]struct{}),
		options: []statsviz.Option{statsviz.Root(plotsRoot), statsviz.SendFrequency(plotsInterval)},
	}
	for i, cfg := range p.configs() {
		if i == 0 {
			cfg.Series[0].GetValue = p.begin(cfg.Series[0].GetValue)
		}
		plot, err := cfg.Build()
		if err != nil {
			return nil, err
		}
		p.options = append(p.options, statsviz.TimeseriesPlot(plot))
	}
	return p, nil
}

func (p *plots) register(mux *http.ServeMux) {
	var pages statsviz.Server // used for its static pages only, never started
	statsviz.Root(plotsRoot)(&pages)
	mux.Handle(plotsRoot+"/", pages.Index())
	mux.HandleFunc(plotsRoot+"/ws", p.watch)
}

// watch serves one viewer until its connection ends.
func (p *plots) watch(w http.ResponseWriter, r *http.Request) {
	v := &viewer{ResponseWriter: w, plots: p}
	server, err := p.enter(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer p.leave(v)
	server.Ws()(v, r) // returns once the viewer is subscribed to the readings
	v.wait()
}

// enter adds the viewer and returns the server. It starts the server for the first viewer.
func (p *plots) enter(v *viewer) (*statsviz.Server, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return nil, errStopped
	}
	if len(p.viewers) >= maxViewers {
		return nil, errTooManyViewers
	}
	if p.server == nil {
		if err := p.startLocked(); err != nil {
			return nil, err
		}
	}
	p.viewers[v] = struct{}{}
	p.handlers.Add(1)
	return p.server, nil
}

func (p *plots) startLocked() error {
	select {
	case collecting <- struct{}{}:
	default:
		return errOtherHub
	}
	server, err := statsviz.NewServer(p.options...)
	if err != nil {
		<-collecting
		return err
	}
	p.server = server
	p.retired, p.retire = context.WithCancel(context.Background())
	return nil
}

// leave closes the viewer's connection. After the last viewer the server retires with
// its next reading, unless a page that is being reloaded has come back by then.
func (p *plots) leave(v *viewer) {
	p.mu.Lock()
	delete(p.viewers, v)
	v.closeLocked()
	p.mu.Unlock()
	p.handlers.Done()
}

// begin wraps the first value of a reading, and there ends a server without viewers.
// Closing the server from another goroutine would not show when its goroutine has
// ended and the next server may start.
func (p *plots) begin(value func() float64) func() float64 {
	return func() float64 {
		if p.unwatched() {
			runtime.Goexit()
		}
		p.rates.take(p.stats(), time.Now())
		return value()
	}
}

// unwatched retires the server if it has no viewer.
func (p *plots) unwatched() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.viewers) > 0 {
		return false
	}
	p.server, p.rates = nil, rates{}
	p.retire()
	<-collecting
	return true
}

// stop disconnects the viewers, refuses new ones and waits for the server to retire.
func (p *plots) stop() {
	p.mu.Lock()
	p.stopping = true
	for v := range p.viewers {
		v.closeLocked()
	}
	p.mu.Unlock()
	p.handlers.Wait()
	p.mu.Lock()
	server, retired := p.server, p.retired
	p.mu.Unlock()
	if server == nil {
		return
	}
	select {
	case <-retired.Done():
	case <-time.After(2 * plotsInterval):
		server.Close() // the server takes no readings: it failed, or the machine is stalled
	}
}
