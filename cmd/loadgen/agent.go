package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/pflag"

	"github.com/pigeonhub/pigeonhub/loadgen/agents"
	"github.com/pigeonhub/pigeonhub/loadgen/preflight"
)

// agentWord selects the agent command.
const agentWord = "agent"

// natsFlags defines the flags of a NATS server.
func natsFlags(f *pflag.FlagSet, n *agents.NATS, about string) {
	f.StringVar(&n.URL, "nats", "", "`URL` "+about)
	f.StringVar(&n.Token, "nats-token", "", "`TOKEN` of the server, if it is not in the URL; a server that loadgen starts gets a random one")
	f.StringVar(&n.CA, "nats-ca", "", "PEM `FILE` of the authorities that check the certificate of the server; empty for those of the system")
}

// runAgent runs shares of runs until a signal ends it. As for a run, a flag that is not
// given comes from the environment.
func runAgent(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	var cfg agents.AgentConfig
	var sources []string
	var help bool
	f := pflag.NewFlagSet("loadgen agent", pflag.ContinueOnError)
	f.Usage = func() {} // the usage is printed below
	f.SortFlags = false
	natsFlags(f, &cfg.NATS, "of the NATS server, which loadgen run --agents prints")
	f.StringSliceVar(&sources, "source", nil, "`ADDRESSES` of this machine to connect from, or prefixes such as 192.0.2.16/28")
	f.BoolVarP(&help, "help", "h", false, "print this")
	o := options{flags: f}
	err := f.Parse(args)
	if err == nil && !help {
		err = o.fromEnvironment(environ)
	}
	if err == nil {
		cfg.Sources, err = preflight.ParseSources(sources)
	}
	switch {
	case help:
		fmt.Fprintf(stdout, "loadgen agent runs shares of the runs that loadgen run --agents starts, until it is ended.\n\nUsage: loadgen agent --nats URL\n\nFlags:\n%s", f.FlagUsagesWrapped(100))
		return exitPassed
	case err == nil && cfg.URL == "":
		err = errors.New("--nats is missing: loadgen run --agents prints the command")
	case err == nil && len(f.Args()) > 0:
		err = fmt.Errorf("unexpected argument %.50q", f.Args()[0])
	}
	if err == nil {
		cfg.Logger = slog.New(newProgress(stderr))
		err = agents.ServeAgent(ctx, cfg)
	}
	return printError(stderr, err)
}
