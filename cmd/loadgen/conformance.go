package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/conformance"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/dial"
)

// conformanceWord selects the conformance command.
const conformanceWord = "conformance"

const conformanceUsage = `Usage: loadgen conformance [flags] [URL]

It checks that a hub speaks the protocol of PeerPigeon 1.x, one case after another, with a few peers and networks of
its own. Without a URL it starts a pigeonhub and checks that. A token goes into the URL.

Flags:
%s
Exit codes: %d if no case failed, %d if one did, %d if the hub cannot be reached or no case ran, %d if a case is
not decided and none failed.
`

// conformanceRun is the state of the command.
type conformanceRun struct {
	flags    *pflag.FlagSet
	skip     []string
	junit    string
	hub      string
	iOwnThis bool
	help     bool
	url      string
}

// checkConformance runs the command, and returns the exit code.
func checkConformance(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	r := &conformanceRun{flags: pflag.NewFlagSet("loadgen conformance", pflag.ContinueOnError)}
	err := r.parse(args, environ)
	switch {
	case err != nil:
		return printError(stderr, err)
	case r.help:
		fmt.Fprintf(stdout, conformanceUsage, r.flags.FlagUsagesWrapped(100), exitPassed, exitFailed, exitCannotTell, exitInconclusive)
		return exitPassed
	}
	if r.url == "" {
		log := slog.New(newProgress(stderr))
		h, err := startHub(ctx, r.hub, hubFlags, log)
		if err != nil {
			return printError(stderr, fmt.Errorf("no URL is given, and no hub can be started: %w", err))
		}
		defer h.stop(log)
		r.url = h.url
	}
	result, err := r.run(ctx, stdout)
	if err == nil && r.junit != "" {
		err = result.writeJUnitFile(r.junit)
	}
	if err != nil {
		return printError(stderr, err)
	}
	result.writeSummary(stdout)
	return result.exitCode()
}

func (r *conformanceRun) parse(args, environ []string) error {
	f := r.flags
	f.Usage = func() {} // the caller prints the usage
	f.SortFlags = false
	f.StringArrayVar(&r.skip, "skip", nil, "`NAME` of a case that does not apply to this hub; may be repeated")
	f.StringVar(&r.junit, "junit", "", "`FILE` for the result as JUnit XML; empty for none")
	f.StringVar(&r.hub, "hub", "", "pigeonhub program, a `FILE`, to start if there is no URL")
	f.BoolVar(&r.iOwnThis, "i-own-this", false, "confirm that the target on another machine is yours, or that its owner agrees")
	f.BoolVarP(&r.help, "help", "h", false, "print this")
	o := options{flags: f}
	if err := f.Parse(args); err != nil || r.help {
		return err
	}
	if err := o.fromEnvironment(environ); err != nil {
		return err
	}
	if f.NArg() > 1 {
		return fmt.Errorf("unexpected argument %.50q", f.Arg(1))
	}
	for _, name := range r.skip {
		if !slices.ContainsFunc(conformance.Checks(), func(c conformance.Check) bool { return c.Name == name }) {
			return fmt.Errorf("no case %q; loadgen conformance lists them as it runs them", name)
		}
	}
	r.url, o.url = f.Arg(0), f.Arg(0)
	host, err := o.otherMachine()
	if err == nil && host != "" && !r.iOwnThis {
		err = fmt.Errorf("%s is not this machine: add --i-own-this if you may send malformed input to it", host)
	}
	return err
}

// reachWithin bounds the first connection.
const reachWithin = 10 * time.Second

// run runs all cases, and writes a line for each when it is over.
func (r *conformanceRun) run(ctx context.Context, stdout io.Writer) (*conformanceResult, error) {
	target, err := harness.NewRemote(r.url)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	first := harness.NewPeer(target, "a first peer", wire.NewPeerID())
	if err := first.Dial(limited); err != nil {
		return nil, fmt.Errorf("%s cannot be reached: %w", dial.HideURL(r.url), err)
	}
	first.Drop()
	result := &conformanceResult{target: dial.HideURL(r.url), start: time.Now()}
	for _, c := range conformance.Checks() {
		begin := time.Now()
		k := conformanceCase{name: c.Name, section: c.Section}
		if k.why = r.inapplicable(c); k.why != "" {
			k.outcome = notApplicable
		} else {
			k.judge(ctx, c.Run(ctx, target))
		}
		k.took = time.Since(begin)
		k.write(stdout)
		result.cases = append(result.cases, k)
	}
	result.took = time.Since(result.start)
	if result.count(passed)+result.count(failed)+result.count(undecided) == 0 {
		return nil, errors.New("no case applies to this hub")
	}
	return result, nil
}

// anyPath is the case of a hub that takes peers at any path.
const anyPath = "any path"

// inapplicable returns why a case does not apply, "" if it does.
func (r *conformanceRun) inapplicable(c conformance.Check) string {
	if slices.Contains(r.skip, c.Name) {
		return "left out by --skip"
	}
	if u, err := url.Parse(r.url); err == nil && c.Name == anyPath && u.Path != "" && u.Path != "/" {
		return "the URL has a path, and a proxy may send others elsewhere"
	}
	return ""
}

// turnedAway is a handshake that the target refuses to peers that it has too many of, or that
// may not come. Whether the hub behind it conforms does not show then.
var turnedAway = regexp.MustCompile(`HTTP status (401|403|429|503)`)

// judge records what a case returned.
func (k *conformanceCase) judge(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
		k.outcome, k.why = undecided, "it was interrupted"
	case err == nil:
		k.outcome = passed
	case turnedAway.MatchString(err.Error()):
		k.outcome, k.why = undecided, "the target turned a peer away: "+err.Error()
	default:
		k.outcome, k.why = failed, err.Error()
	}
}

// writeJUnitFile writes the result as JUnit XML.
func (r *conformanceResult) writeJUnitFile(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(r.writeJUnit(f), f.Close())
}
