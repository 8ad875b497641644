package loadgen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

func hostileProfile() profile {
	return profile{
		word:    "hostile",
		unpaced: true,
		whole:   true,
		about:   "malformed messages, bad frames and handshakes, oversize, slow headers, floods, one after the other: the target must survive, and bystanders must not suffer",
		phase:   plan.Phase{Peers: 10, Rate: 100, Networks: 2, Params: map[string]string{"react": "200ms", "hold": "2s", "patience": "5s", "slow": "1s", "only": ""}},
		check: func(f *plan.Phase) error {
			if only := f.Params["only"]; only != "" && len(inputsNamed(only)) == 0 {
				return fmt.Errorf("hostile: no input has %q in its name", only)
			}
			return plan.Durations("react", "hold", "patience", "slow")(f)
		},
		run: func(ctx context.Context, s *phaseRun) error { return newHostile(s).run(ctx) },
	}
}

// hostileRun sends inputs to a target, one at a time so that each effect has one cause. After
// each input it checks that the target and its other peers are well.
type hostileRun struct {
	*phaseRun
	react    time.Duration // for the target to answer an input
	hold     time.Duration // how long slow inputs last
	patience time.Duration // for the target to answer other peers
	slow     time.Duration // a bystander that waits longer suffers

	bystanders []*Peer
	gathered   int // how often bystanders were connected
	worst      time.Duration
	probes     int
	pings      bool   // the target answered pings in the beginning, so it must continue to
	blamed     string // what the input under way did
}

func newHostile(s *phaseRun) *hostileRun {
	h := &hostileRun{phaseRun: s}
	for name, d := range map[string]*time.Duration{"react": &h.react, "hold": &h.hold, "patience": &h.patience, "slow": &h.slow} {
		*d, _ = s.DurationOf(name) // checked with the plan
	}
	return h
}

func (h *hostileRun) run(ctx context.Context) error {
	if err := h.gather(ctx); err != nil {
		return fmt.Errorf("hostile: bystanders: %w", err)
	}
	h.pings = h.answered(ctx)
	inputs := slices.DeleteFunc(inputsNamed(h.Params["only"]), func(in input) bool { return h.leftOut(in.name, in.needs) })
	survived := 0
	for i, in := range inputs {
		if ctx.Err() != nil {
			break
		}
		h.counters.planned("hostile")
		a := &attack{hostileRun: h, name: in.name, id: schedule.PeerID(h.seed, placeInput, uint64(i)), rng: h.stream(placeInput, uint64(i))}
		reaction := in.run(ctx, a)
		well := h.check(ctx, in.name)
		a.end()
		well = well && h.check(ctx, in.name)
		h.counters.landed("hostile")
		if well {
			survived++
			h.say(in.name, reaction)
			continue
		}
		h.say(in.name, reaction+"; it "+h.blamed)
		if !h.recover(ctx) {
			break
		}
	}
	h.count(inputsSurvived, survived, fmt.Sprintf("of %d", len(inputs)))
	h.took("longest wait of a bystander", h.worst)
	return nil
}

// inputsSurvived is the name of the figure of the harmless inputs.
const inputsSurvived = "inputs survived"

// gather connects the bystanders.
func (h *hostileRun) gather(ctx context.Context) error {
	h.gathered++
	for _, p := range h.bystanders {
		p.end()
	}
	h.bystanders = nil
	for i := range h.Peers {
		now := time.Now()
		p := &Peer{id: schedule.PeerID(h.seed, placeBystander, uint64(h.gathered), uint64(i)), dialled: schedule.At(now), excused: true, watch: deaf}
		p, err := h.fleet.connect(ctx, p)
		if err == nil {
			err = p.announce(h.networks[i%len(h.networks)], schedule.At(now))
		}
		if err != nil {
			return err
		}
		h.bystanders = append(h.bystanders, p)
	}
	return nil
}

// deaf makes a bystander ignore signals: those of an attack are not in the ledger, and
// there are no others.
func deaf(_ *Peer, e codec.Event) bool { return e.Kind == codec.EventSignal }

// check reports whether the target and the bystanders are well. If not, it blames the
// input.
func (h *hostileRun) check(ctx context.Context, input string) bool {
	begin := time.Now()
	newcomer := h.newcomer(ctx)
	answered := !h.pings || h.answered(ctx)
	took := time.Since(begin)
	over := h.ended(ctx)
	if ctx.Err() != nil {
		return true
	}
	died := h.target.died()
	switch {
	case died != nil:
		h.blame(input, fmt.Sprintf("killed the target: %v", died))
	case newcomer != nil:
		h.blame(input, fmt.Sprintf("left the target without an answer to new connections: %v", withoutAddress(newcomer)))
	case over > 0:
		h.blame(input, fmt.Sprintf("ended the connections of %d of %d bystanders", over, len(h.bystanders)))
	case !answered:
		h.blame(input, fmt.Sprintf("left %d of %d bystanders without an answer for %s", h.waiting(), len(h.bystanders), h.patience))
	default:
		h.worst = max(h.worst, took)
		if took > h.slow {
			h.evidence.Doubts = append(h.evidence.Doubts, verdict.Reason{About: "hostile", Do: "bound the work for one peer",
				What: fmt.Sprintf("with the input %q bystanders waited %s for an answer", input, units.Duration(took))})
		}
		return true
	}
	return false
}

// ended returns how many bystanders have ended. If the last message of the target was one that
// nothing answers, it may have been a keep-alive: such an end raises a doubt and is not counted,
// and new bystanders come.
func (h *hostileRun) ended(ctx context.Context) (over int) {
	unanswered := ""
	for _, p := range h.bystanders {
		if p.isOver() {
			over++
			unanswered = cmp.Or(p.lastUnanswered(), unanswered)
		}
	}
	if unanswered == "" || h.gather(ctx) != nil {
		return over
	}
	h.evidence.Doubts = append(h.evidence.Doubts, verdict.Reason{About: "hostile", Do: "if that is a keep-alive, add --answer SENT=REPLY",
		What: fmt.Sprintf("%d of %d bystanders were ended after a message that no peer answers, %.40q", over, len(h.bystanders), unanswered)})
	return 0
}

// answered reports whether the pings of all bystanders are answered.
func (h *hostileRun) answered(ctx context.Context) bool {
	now := time.Now()
	for _, p := range h.bystanders {
		_ = p.ping(schedule.At(now)) // a peer that cannot send is over
	}
	return waitFor(ctx, h.patience, func() bool { return h.waiting() == 0 })
}

// waiting returns how many bystanders have not been answered.
func (h *hostileRun) waiting() (n int) {
	for _, p := range h.bystanders {
		if p.isWaiting() && !p.isOver() {
			n++
		}
	}
	return n
}

// newcomer connects another peer, and returns why it was not greeted.
func (h *hostileRun) newcomer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.patience)
	defer cancel()
	now := time.Now()
	h.probes++
	p, err := h.fleet.connect(ctx, &Peer{id: schedule.PeerID(h.seed, placeNewcomer, uint64(h.probes)), dialled: schedule.At(now), excused: true})
	if err != nil {
		return err
	}
	defer p.leave(LeavePolite, schedule.At(now))
	if !waitFor(ctx, h.patience, func() bool { return p.isGreeted() || p.isOver() }) || !p.isGreeted() {
		return errors.Join(errNotGreeted, p.reason())
	}
	return nil
}

var errNotGreeted = errors.New("the peer was not greeted")

// blame adds the failure that an input caused.
func (h *hostileRun) blame(input, what string) {
	h.blamed = what
	h.evidence.Failures = append(h.evidence.Failures, verdict.Reason{About: "hostile", Do: fmt.Sprintf("repeat it with loadgen hostile --param 'only=%s', and read the log of the target", input),
		What: fmt.Sprintf("the input %q %s", input, what)})
}

// recover connects new bystanders if the target returns, as a supervised one does.
func (h *hostileRun) recover(ctx context.Context) bool {
	for end := time.Now().Add(h.target.waits.answer); time.Now().Before(end) && ctx.Err() == nil && h.target.died() == nil; pause(ctx, pollEvery) {
		if h.gather(ctx) == nil && h.newcomer(ctx) == nil {
			return true
		}
	}
	return false
}
