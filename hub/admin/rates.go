package admin

import (
	"maps"
	"slices"
	"time"

	"github.com/arl/statsviz"

	"github.com/pigeonhub/pigeonhub/hub"
)

// rates holds the last two readings of the hub. All series of one moment come from the
// same Stats.
type rates struct {
	now, before     hub.Stats
	nowAt, beforeAt time.Time
}

func (r *rates) take(st hub.Stats, at time.Time) {
	r.before, r.beforeAt = r.now, r.nowAt
	r.now, r.nowAt = st, at
}

// perSecond returns the rate of a counter, 0 before the second reading.
func (r *rates) perSecond(count func(*hub.Stats) uint64) float64 {
	elapsed := r.nowAt.Sub(r.beforeAt).Seconds()
	if r.beforeAt.IsZero() || elapsed <= 0 {
		return 0
	}
	return float64(count(&r.now)-count(&r.before)) / elapsed
}

// configs returns the plots of the hub.
func (p *plots) configs() []statsviz.TimeSeriesPlotConfig {
	st := p.stats() // has the members of the closed sets
	return []statsviz.TimeSeriesPlotConfig{
		p.lengths("hub-connections", "Connections", "sessions", "refused_sessions", "peers", "hubs"),
		p.lengths("hub-networks", "Networks", "networks", "memberships", "largest_network_members"),
		p.lengths("hub-queued", "Bytes waiting to be sent", "queued_bytes"),
		p.counters("hub-traffic", "Messages per second", map[string]func(*hub.Stats) uint64{
			"relayed":     func(st *hub.Stats) uint64 { return st.Relayed },
			"discoveries": func(st *hub.Stats) uint64 { return st.Discoveries },
		}),
		p.reasons("hub-received", "Messages received per second, by kind", st.Received,
			func(st *hub.Stats) map[string]uint64 { return st.Received }),
		p.reasons("hub-dropped", "Messages dropped per second, by reason", st.Dropped,
			func(st *hub.Stats) map[string]uint64 { return st.Dropped }),
		p.reasons("hub-ended", "Sessions ended per second, by reason", st.Ended,
			func(st *hub.Stats) map[string]uint64 { return st.Ended }),
		p.reasons("hub-refused", "Upgrades refused per second, by reason", st.RefusedHTTP,
			func(st *hub.Stats) map[string]uint64 { return st.RefusedHTTP }),
	}
}

// lengths plots the collections of these keys.
func (p *plots) lengths(name, title string, keys ...string) statsviz.TimeSeriesPlotConfig {
	cfg := statsviz.TimeSeriesPlotConfig{Name: name, Title: title, Type: statsviz.Scatter}
	for _, c := range collections {
		if slices.Contains(keys, c.key()) {
			cfg.Series = append(cfg.Series, statsviz.TimeSeries{
				Name: c.key(), Unitfmt: ".3s", GetValue: func() float64 { return float64(c.length(&p.rates.now)) },
			})
		}
	}
	return cfg
}

// counters plots the rates of counters, stacked.
func (p *plots) counters(name, title string, counts map[string]func(*hub.Stats) uint64) statsviz.TimeSeriesPlotConfig {
	cfg := statsviz.TimeSeriesPlotConfig{Name: name, Title: title, Type: statsviz.Bar, BarMode: statsviz.Stack}
	for _, label := range slices.Sorted(maps.Keys(counts)) {
		cfg.Series = append(cfg.Series, statsviz.TimeSeries{
			Name: label, Unitfmt: ".3s", Type: statsviz.Bar, GetValue: func() float64 { return p.rates.perSecond(counts[label]) },
		})
	}
	return cfg
}

// reasons plots the rate of each member of a closed set.
func (p *plots) reasons(name, title string, set map[string]uint64, of func(*hub.Stats) map[string]uint64) statsviz.TimeSeriesPlotConfig {
	counts := make(map[string]func(*hub.Stats) uint64, len(set))
	for label := range set {
		counts[label] = func(st *hub.Stats) uint64 { return of(st)[label] }
	}
	return p.counters(name, title, counts)
}
