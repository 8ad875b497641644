package loadgen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/dial"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// Config says what to run, and against which target.
type Config struct {
	URL   string      // of the target: ws, wss, http or https
	Plan  plan.Plan   // a complete one, from LoadPlan, ParsePlan, PlanOf or With
	Codec codec.Codec // one that is not in the list of package codec; default that of the plan
	Pages []string    // further URLs; /health, /metrics and /debug/pprof are looked for at their hosts
	PID   int         // of the target, if it runs on this machine; 0 if it is not known

	// Restart restarts the target at the same URLs, and returns the id of its new process. If
	// it is nil, the drain profile asks the operator of the target to restart it.
	Restart func(context.Context) (pid int, err error)

	// Died returns how the process of the target ended, nil while it runs.
	Died func() error

	Sources []netip.Addr // to connect from, in turn; by default the system chooses, or as many of 127/8 as needed

	// Workers is the number of processes that share the plan, and Recruiter provides them.
	// Without a recruiter this process runs the whole plan. 0 workers are as many as the
	// limit of descriptors requires.
	Workers   int
	Recruiter cluster.Recruiter

	// IgnorePreflight begins the run even if this machine does not suffice for it.
	IgnorePreflight bool

	Command string // command line that repeats the run, for the report
	Commit  string // of the target, if known
	Report  string // path of the HTML report

	// Watch, if set, is called a few times a second with the state of the run, by one
	// goroutine. It must return soon.
	Watch func(Status)

	Logger *slog.Logger // progress; default none

	waits  waits        // default usualWaits
	dialer *dial.Dialer // of the plan
}

// runner is a run under way.
type runner struct {
	cfg      Config
	plan     plan.Plan
	fleet    *fleet
	target   *target
	counters *counters
	progress *progress
	own      *own
	log      *slog.Logger
	run      verdict.Run

	figures    []report.Figure // that profiles noted
	breach     breach
	capacities []report.Capacity
	brokenOff  bool

	share   share        // in a worker
	workers *coordinator // of workers, nil if there are none
}

// leavePatience bounds the time in which peers may leave politely at the end.
const leavePatience = 5 * time.Second

// Run runs a plan. It returns an error if the run cannot begin, for instance because
// nothing answers at the URL, or because the machine does not suffice (*preflight.Error).
// What happens later is part of the result. If ctx ends, the run ends early and the result
// holds what is known so far. When Run returns, no connection and no goroutine of it is
// left.
func Run(ctx context.Context, cfg Config) (report.Result, error) {
	r, err := newRunner(cfg)
	if err == nil {
		err = r.preflight()
	}
	if err != nil {
		return report.Result{}, fmt.Errorf("run: %w", err)
	}
	defer r.fleet.closeAll(leavePatience)
	whole := ctx
	ctx, r.workers, err = r.recruit(ctx)
	if err != nil {
		return report.Result{}, fmt.Errorf("run: %w", err)
	}
	defer r.workers.close()
	if err := r.preflightDial(ctx); err != nil {
		return report.Result{}, fmt.Errorf("run: no peer can connect to %s: %w%s", dial.HideURL(cfg.URL), err, todo(dial.Advice(err)))
	}
	r.target = discover(ctx, r.cfg)
	r.target.livenessDial = r.livenessDial
	r.run.Detectors = r.target.detectors()
	ctx, r.breach.end = context.WithCancelCause(ctx)
	defer r.breach.end(nil)
	w := r.watch(ctx)
	defer w.close()
	for i := range r.plan.Phases {
		if ctx.Err() == nil && len(r.run.Failures) == 0 {
			err = errors.Join(err, r.phase(ctx, i))
			r.judgeFigures()
		}
	}
	r.fleet.closeAll(leavePatience)
	if isCutShort(ctx) {
		r.dead(context.WithoutCancel(ctx)) // a dead target explains what it broke
	}
	r.workers.close()
	timeline := w.end()
	if err != nil {
		return report.Result{}, fmt.Errorf("run: %w", err)
	}
	lost := r.workers.problems()
	r.brokenOff = whole.Err() != nil || len(lost) > 0 || r.breach.found() != nil
	r.run.Problems = append(r.run.Problems, lost...)
	if whole.Err() != nil {
		r.run.Problems = append(r.run.Problems, verdict.Reason{What: "the run was interrupted", Do: "let it finish"})
	}
	return r.result(timeline), nil
}

// todo returns advice as the end of an error, "" if there is none.
func todo(advice string) string {
	if advice == "" {
		return ""
	}
	return "\n  " + advice
}

func newRunner(cfg Config) (*runner, error) {
	planned, err := cfg.Plan.Complete(defaultsOf)
	if err != nil {
		return nil, err
	}
	for planned.Seed == 0 {
		planned.Seed = rand.Uint64()
	}
	switch {
	case cfg.Codec == nil:
		cfg.Codec, err = planned.NewCodec()
	case cfg.Recruiter != nil:
		err = errors.New("a codec that is not in the list cannot be shared by workers")
	default:
		err = planned.Supported(cfg.Codec, defaultsOf)
	}
	if err != nil {
		return nil, err
	}
	dialer, err := dial.New(planned.Connection, planned.Phases[0].Networks)
	if err != nil {
		return nil, err
	}
	cfg.dialer, planned.Connection = dialer, dialer.Options
	cfg.Plan = planned // with the secrets, for workers and rough phases
	if cfg.waits == (waits{}) {
		cfg.waits = usualWaits
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	r := &runner{cfg: cfg, plan: planned.Hidden(), fleet: newFleet(cfg.URL, cfg.Codec), counters: newCounters(), log: cfg.Logger}
	r.fleet.dialer = dialer
	r.progress, r.own = newProgress(r.fleet.base), newOwn(r.fleet.base)
	r.run = verdict.Run{
		Name: "loadgen " + planned.Name, Target: dial.HideURL(cfg.URL), Command: cfg.Command, Commit: cfg.Commit, Seed: planned.Seed,
		Report: cfg.Report, Start: r.fleet.base,
	}
	return r, nil
}

// preflightDial connects one peer, so that a run without a target ends at once.
func (r *runner) preflightDial(ctx context.Context) error {
	now := time.Now()
	p, err := r.fleet.dial(ctx, schedule.PeerID(r.plan.Seed, placePreflight), schedule.At(now))
	if err != nil {
		return err
	}
	for end := now.Add(dialTimeout); !p.isGreeted() && !p.isOver() && ctx.Err() == nil && time.Now().Before(end); {
		pause(ctx, againEvery)
	}
	if !p.isGreeted() {
		p.leave(LeaveReset, schedule.At(now))
		return errors.New("it connects but is not greeted")
	}
	p.leave(LeavePolite, schedule.At(now))
	return nil
}

// livenessDial connects a peer that is not counted, and returns an error if nothing comes
// back. A refusal, or an end of the connection, is an answer. Without greetings in the
// protocol, the handshake is one.
func (r *runner) livenessDial(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	id := schedule.PeerID(r.plan.Seed, placeLiveness)
	address, err := r.fleet.codec.Address(r.cfg.URL, id)
	if err != nil {
		return err
	}
	sock, err := dialSocket(ctx, r.fleet.dialer, id, address, r.fleet.from.address())
	switch {
	case errors.Is(err, websocket.ErrBadHandshake):
		return nil
	case err != nil:
		return err
	}
	defer sock.close()
	defer context.AfterFunc(ctx, sock.stopReading)()
	silent := func([]byte) {}
	if codec.Greets.In(r.fleet.codec) {
		if err = sock.receive(silent); ctx.Err() != nil {
			return errors.New("it connects but is not greeted")
		}
	}
	if err == nil {
		err = sock.sendClose(wire.CodeNormal, "Client disconnect", closePatience)
	}
	for err == nil {
		err = sock.receive(silent)
	}
	return nil
}

// phase runs one phase and closes all peers at its end. An experiment does that itself,
// before it reads what is retained.
func (r *runner) phase(ctx context.Context, i int) error {
	s := newPhaseRun(r, i)
	p, err := profileOf(s.Profile)
	if err != nil {
		return err
	}
	defer r.progress.enter(i+1, s.Profile)()
	r.log.Info("phase "+s.Profile, "peers", s.Peers, "rate", s.Rate, "seed", fmt.Sprintf("%#x", r.plan.Seed))
	if p.experiment {
		if err := p.run(ctx, s); err != nil || !r.goesOn(ctx) {
			return err
		}
		return r.furtherPhases(ctx, s)
	}
	return r.bracket(ctx, s, p)
}

// bracket reads the target before and after a load. A single load cannot prove a leak,
// because nothing was warm before it, but it can raise a doubt.
func (r *runner) bracket(ctx context.Context, s *phaseRun, p profile) error {
	before, err := r.target.usual(ctx)
	if ctx.Err() == nil {
		miss(&r.run, err)
	}
	if r.workers == nil {
		err = p.run(ctx, s)
	} else {
		err = r.workers.phase(ctx, s.number)
	}
	if err != nil {
		return err
	}
	r.fleet.ledger.Settle()
	r.fleet.closeAll(leavePatience)
	if isCutShort(ctx) {
		return nil // the target does not get the time to settle
	}
	after, unreadable := r.target.settle(ctx, before)
	if r.dead(ctx) {
		return nil
	}
	if ctx.Err() == nil {
		miss(&r.run, unreadable)
	}
	r.run.Doubts = append(r.run.Doubts, stayed(before, after, dial.HideURL(r.cfg.URL))...)
	return nil
}
