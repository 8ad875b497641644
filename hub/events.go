package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/suspect"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// EventName is the name of an event, the same as in the reference server.
type EventName string

// The events of one hub.
const (
	EventStarted          EventName = "started"
	EventStopped          EventName = "stopped"
	EventError            EventName = "error"
	EventPeerConnected    EventName = "peerConnected"
	EventPeerAnnounced    EventName = "peerAnnounced"
	EventPeerGoodbye      EventName = "peerGoodbye"
	EventPeerDisconnected EventName = "peerDisconnected"
	EventHubRegistered    EventName = "hubRegistered"
	EventHubUnregistered  EventName = "hubUnregistered"
	EventMemoryAlert      EventName = "memoryAlert"   // not in the reference server: the memory level has changed
	EventLeakSuspected    EventName = "leakSuspected" // not in the reference server: a collection grows from one idle time to the next
)

// Event is one event of a hub. Which fields are set depends on Name: see Payload.
type Event struct {
	Name EventName
	At   time.Time

	PeerID           wire.PeerID
	Network          string
	IsHub            bool
	Code             int
	Reason           string
	TotalConnections int
	TotalHubs        int
	Host             string
	Port             int
	Err              error
	Memory           MemoryStats
	Suspicion        suspect.Suspicion
}

// Payload returns the fields of the event under the names that the reference
// server uses. It returns nil for an event without fields.
func (e Event) Payload() map[string]any {
	switch e.Name {
	case EventStarted:
		return map[string]any{"host": e.Host, "port": e.Port}
	case EventError:
		return map[string]any{"message": fmt.Sprint(e.Err)}
	case EventPeerConnected:
		return map[string]any{"peerId": e.PeerID, "totalConnections": e.TotalConnections}
	case EventPeerAnnounced:
		return map[string]any{"peerId": e.PeerID, "networkName": e.Network, "isHub": e.IsHub}
	case EventPeerGoodbye:
		return map[string]any{"peerId": e.PeerID}
	case EventPeerDisconnected:
		return map[string]any{"peerId": e.PeerID, "code": e.Code, "reason": e.Reason, "totalConnections": e.TotalConnections}
	case EventHubRegistered, EventHubUnregistered:
		return map[string]any{"peerId": e.PeerID, "totalHubs": e.TotalHubs}
	case EventMemoryAlert:
		return map[string]any{"level": e.Memory.Level.String(), "rss": e.Memory.RSS, "limit": e.Memory.Limit}
	case EventLeakSuspected:
		return map[string]any{"collection": e.Suspicion.Name, "perThousand": e.Suspicion.PerThousand, "since": e.Suspicion.Since}
	}
	return nil
}

// subscriptionBuffer is the number of events that may wait for one subscriber.
const subscriptionBuffer = 256

// ErrTooManySubscriptions means that Config.MaxSubscriptions is reached. The error
// that wraps it names the holders.
var ErrTooManySubscriptions = errors.New("hub: too many subscriptions")

// ErrClosed means that Shutdown has ended.
var ErrClosed = errors.New("hub: closed")

// Subscription is a handle on the hub's events. Its methods may be called
// concurrently.
type Subscription struct {
	hub    *Hub
	holder string
	names  []EventName
	events chan Event
	ctx    context.Context
	cancel context.CancelFunc
	lost   atomic.Uint64
}

// Subscribe returns a handle on the named events, or on all events if it is given
// no name. The caller must Close the handle; Shutdown closes it, too. The error
// wraps ErrTooManySubscriptions or ErrClosed; holder names the caller in the
// former.
func (h *Hub) Subscribe(holder string, names ...EventName) (*Subscription, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released {
		return nil, fmt.Errorf("hub: subscribe: %w", ErrClosed)
	}
	if len(h.subscriptions) >= h.cfg.MaxSubscriptions {
		var holders []string
		for s := range h.subscriptions {
			holders = append(holders, s.holder)
		}
		return nil, fmt.Errorf("hub: subscribe: %w: %d are held by %s",
			ErrTooManySubscriptions, len(holders), strings.Join(holders, ", "))
	}
	s := &Subscription{hub: h, holder: holder, names: slices.Clone(names), events: make(chan Event, subscriptionBuffer)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	h.subscriptions[s] = struct{}{}
	return s, nil
}

// Events returns the channel of the events. It is never closed: select on Done,
// too.
func (s *Subscription) Events() <-chan Event { return s.events }

// Done returns a channel that is closed when the subscription ends. Earlier events,
// the last of them EventStopped, may still be in the Events channel then.
func (s *Subscription) Done() <-chan struct{} { return s.ctx.Done() }

// Lost returns how many events were lost because the buffer was full. A slow
// subscriber never blocks the hub.
func (s *Subscription) Lost() uint64 { return s.lost.Load() }

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	delete(s.hub.subscriptions, s)
	s.hub.mu.Unlock()
	s.cancel()
}

// emitLocked sends an event to every subscriber. Hub.mu is held, so that events
// arrive in the order in which the state changed.
func (h *Hub) emitLocked(e Event) {
	if len(h.subscriptions) == 0 {
		return
	}
	e.At = time.Now()
	for s := range h.subscriptions {
		if !s.wants(e.Name) {
			continue
		}
		select {
		case s.events <- e:
		default:
			s.lost.Add(1)
			h.counters.eventsLost.Add(1)
		}
	}
}

func (h *Hub) emit(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.emitLocked(e)
}

func (s *Subscription) wants(name EventName) bool {
	for _, n := range s.names {
		if n == name {
			return true
		}
	}
	return len(s.names) == 0
}
