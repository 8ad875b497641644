package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/export"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// pushing is where the numbers of a run go while it goes on.
type pushing struct {
	remoteWrite string
	token       string
	headers     []string
	otlp        string
	every       time.Duration
	sinks       []export.Sink
}

func (p *pushing) define(f *pflag.FlagSet) {
	f.StringVar(&p.remoteWrite, "remote-write", "", "`URL` of a Prometheus remote write receiver that gets the numbers of the run as it goes; a name and a password in it are not printed")
	f.StringVar(&p.token, "remote-write-token", "", "bearer `TOKEN` for it; not printed, and better given as LOADGEN_REMOTE_WRITE_TOKEN")
	f.StringArrayVar(&p.headers, "remote-write-header", nil, "`HEADER` for it, written as 'Name: value'; may be repeated. Its value is not printed")
	f.StringVar(&p.otlp, "otlp", "", "`URL` of an OTLP receiver (http/protobuf) that gets the same, or env for the one that OTEL_EXPORTER_OTLP_ENDPOINT names; its other variables hold for both")
	f.DurationVar(&p.every, "push-every", 5*time.Second, "time between two samples for them")
}

// prepare checks the flags, and makes the receivers. It sends nothing.
func (p *pushing) prepare(environ map[string]string) error {
	if p.every < 100*time.Millisecond || p.every > time.Minute {
		return fmt.Errorf("--push-every is %s, must be 100ms to 1m", p.every) // a gap of 5 minutes ends a series
	}
	if p.remoteWrite == "" && (p.token != "" || len(p.headers) > 0) {
		return errors.New("--remote-write-token and --remote-write-header need --remote-write")
	}
	if p.remoteWrite != "" {
		w, err := export.NewRemoteWrite(p.remoteWrite, p.token, p.headers)
		if err != nil {
			return fmt.Errorf("--remote-write: %w", err)
		}
		p.sinks = append(p.sinks, w)
	}
	if p.otlp != "" {
		o, err := export.NewOTLP(p.otlp, environ)
		if err != nil {
			return fmt.Errorf("--otlp: %w", err)
		}
		p.sinks = append(p.sinks, o)
	}
	return nil
}

// run runs a plan, and sends its numbers meanwhile. The verdict does not depend on that.
func (p *pushing) run(ctx context.Context, cfg loadgen.Config, log *slog.Logger) (report.Result, error) {
	if len(p.sinks) == 0 {
		return loadgen.Run(ctx, cfg)
	}
	x, watch := export.New(log, p.every, p.sinks...), cfg.Watch
	cfg.Watch = func(s loadgen.Status) {
		x.Watch(s)
		watch(s)
	}
	rest := context.WithoutCancel(ctx) // the end of an interrupted run is sent, too
	result, err := loadgen.Run(ctx, cfg)
	if err != nil {
		x.Close(rest, nil)
		return result, err
	}
	result.Pushes = x.Close(rest, &result)
	return result, nil
}
