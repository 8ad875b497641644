package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/preflight"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// check runs the plan. Without a URL it starts a hub and runs the plan against that.
func (o *options) check(ctx context.Context, stderr io.Writer) (report.Result, error) {
	screen := newScreen(stderr, o.environ)
	if o.noLive {
		screen = nil
	}
	if screen != nil {
		stderr = screen
	}
	log := slog.New(newProgress(stderr))
	o.logLowered(log)
	for o.plan.Seed == 0 {
		o.plan.Seed = rand.Uint64()
	}
	cfg := loadgen.Config{URL: o.url, Plan: o.plan, Pages: o.pages, PID: o.pid, Command: o.command(o.plan.Seed), Logger: log}
	cfg.IgnorePreflight, cfg.Workers = o.ignore, max(o.workers, o.agents)
	var err error
	if cfg.Recruiter, err = o.recruiter(); err != nil {
		return report.Result{}, err
	}
	if cfg.Sources, err = preflight.ParseSources(o.sources); err != nil {
		return report.Result{}, err
	}
	if o.report != "" {
		cfg.Report = filepath.Join(o.report, "index.html")
	}
	cfg.Watch = steadily(log)
	if screen != nil {
		defer screen.close()
		cfg.Watch = func(s loadgen.Status) { screen.show(live(s, ctx.Err() != nil)) }
	}
	if o.url != "" {
		return o.push.run(ctx, cfg, log)
	}
	h, err := startHub(ctx, o.hub, hubFlags, log)
	if err != nil {
		return report.Result{}, fmt.Errorf("no URL is given, and no hub can be started: %w", err)
	}
	own := &restartable{hub: h, log: log}
	defer own.stop()
	cfg.URL, cfg.PID, cfg.Died, cfg.Restart = h.url, h.PID(), own.died, own.restart
	cfg.Pages = append(cfg.Pages, h.admin)
	return o.push.run(ctx, cfg, log)
}
