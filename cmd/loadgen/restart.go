package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
)

// restartable is a hub that may be restarted while it is checked.
type restartable struct {
	log *slog.Logger

	turn sync.Mutex // one restart or stop at a time
	mu   sync.Mutex
	hub  *childHub
	busy bool // it is being restarted, so its end is expected
}

func (r *restartable) current() *childHub {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hub
}

// died returns how the hub ended, nil if it runs.
func (r *restartable) died() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy {
		return nil
	}
	return r.hub.died()
}

func (r *restartable) stop() {
	r.turn.Lock()
	defer r.turn.Unlock()
	r.current().stop(r.log)
}

// restart stops the hub by SIGTERM, and starts it at the same addresses.
func (r *restartable) restart(ctx context.Context) (pid int, err error) {
	r.turn.Lock()
	defer r.turn.Unlock()
	old := r.current()
	flags, err := sameAddresses(old)
	if err != nil {
		return 0, err
	}
	r.set(old, true)
	built := old.built
	old.built = "" // the next hub uses it
	old.stop(r.log)
	next, err := startHub(ctx, old.Path(), flags, r.log)
	if err != nil {
		old.built = built
		r.set(old, false)
		return 0, err
	}
	next.built = built
	r.set(next, false)
	if next.url != old.url {
		return 0, errors.New("another process has taken the port")
	}
	return next.PID(), nil
}

func (r *restartable) set(h *childHub, busy bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hub, r.busy = h, busy
}

// sameAddresses returns the flags of a hub, with the ports that it has.
func sameAddresses(h *childHub) ([]string, error) {
	peers, err := url.Parse(h.url)
	if err != nil {
		return nil, fmt.Errorf("restart: %w", err)
	}
	admin, err := url.Parse(h.admin)
	if err != nil {
		return nil, fmt.Errorf("restart: %w", err)
	}
	var flags []string
	for _, f := range hubFlags {
		switch name, _, _ := strings.Cut(f, "="); name {
		case "--port":
			f = name + "=" + peers.Port()
		case "--admin-address":
			f = name + "=" + admin.Host
		}
		flags = append(flags, f)
	}
	return flags, nil
}
