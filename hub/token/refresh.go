package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

const (
	firstLoad   = 3 * time.Second  // that Use waits for a key set
	loadTimeout = 10 * time.Second // of one request
	loadGap     = 10 * time.Second // between two loads: tokens with unknown keys ask for no more
	loadRetry   = time.Minute      // after a failure
	maxSetBytes = 1 << 20
)

// startLocked starts the goroutine that loads the key set, and waits for its first load.
func (v *Verifier) startLocked(log *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	ended, setEnded := context.WithCancel(context.Background())
	first, loaded := context.WithTimeout(ctx, firstLoad)
	v.stop = func() {
		cancel()
		<-ended.Done()
	}
	go func() {
		defer setEnded()
		v.refresh(ctx, loaded, log)
	}()
	<-first.Done()
}

// endLocked ends the goroutine, if one runs, and waits for it.
func (v *Verifier) endLocked() {
	if v.stop != nil {
		v.stop()
		v.stop = nil
	}
}

// refresh loads the key set, now and then every Rules.Refresh, or earlier if a token has an unknown
// key. A set that cannot be loaded leaves the one before in use.
func (v *Verifier) refresh(ctx context.Context, loaded func(), log *slog.Logger) {
	defer loaded()
	for ctx.Err() == nil {
		wait := v.current.Load().rules.Refresh
		asked, ask := context.WithCancel(ctx)
		v.wake.Store(&ask)
		if err := v.load(ctx); err != nil && ctx.Err() == nil {
			v.failures.Add(1)
			log.Warn("cannot load the key set of tokens, using the one before", "error", err)
			wait = min(wait, loadRetry)
		}
		loaded()
		pause(ctx, min(wait, loadGap))
		pause(asked, wait-loadGap)
		ask()
	}
}

// pause returns after d or at the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// askForKeys has the key set loaded again soon.
func (v *Verifier) askForKeys() {
	if ask := v.wake.Load(); ask != nil {
		(*ask)()
	}
}

// load loads the key set and puts it to use.
func (v *Verifier) load(ctx context.Context) error {
	s := v.current.Load()
	set, err := s.rules.load(ctx)
	if err == nil {
		v.current.Store(&state{s.rules, set, time.Now()})
	}
	return err
}

func (r *Rules) load(ctx context.Context) ([]key, error) {
	if !r.remote {
		return readFile(r.JWKS, parseSetFile)
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.JWKS, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}, // keeps no goroutine
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if len(via) > 5 {
				return errors.New("too many redirects")
			}
			return checkURL(next.URL.String())
		},
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the issuer answers %s", res.Status)
	}
	content, err := io.ReadAll(io.LimitReader(res.Body, maxSetBytes))
	if err != nil {
		return nil, err
	}
	return parseSet(content, false)
}
