package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/agents"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// envPrefix begins the environment variables: LOADGEN_SEED stands for --seed.
const envPrefix = "LOADGEN_"

// options are what a command line says.
type options struct {
	args  []string
	flags *pflag.FlagSet
	given map[string]bool // flags, on the command line

	url  string // "" for a hub of our own
	plan plan.Plan

	planFile  string
	seed      uint64
	figures   plan.Phase
	params    map[string]string
	pages     []string
	pid       int
	report    string
	iOwnThis  bool
	maxRate   float64
	lowered   []loweredRate
	sources   []string
	ignore    bool // what preflight says
	workers   int
	agents    int
	nats      agents.NATS
	embedded  agents.EmbeddedNATS
	wait      time.Duration // for agents
	hub       string
	fail      []string
	codec     string
	text      codec.Text
	help      bool
	printPlan bool
	noLive    bool
	environ   map[string]string
}

// parse reads flags, and the environment for those that are not given. The words
// before the URL may name a profile; without one it is check.
func parse(args, environ []string) (*options, error) {
	o := &options{args: args, flags: pflag.NewFlagSet("loadgen", pflag.ContinueOnError), given: map[string]bool{}}
	o.define()
	if err := o.flags.Parse(args); err != nil {
		return nil, err
	}
	if o.help {
		return o, nil
	}
	o.flags.Visit(func(f *pflag.Flag) { o.given[f.Name] = true })
	if err := o.fromEnvironment(environ); err != nil {
		return nil, err
	}
	word, err := o.words(o.flags.Args())
	if err != nil {
		return nil, err
	}
	if err := o.checkWorkers(); err != nil {
		return nil, err
	}
	if err := o.makePlan(word); err != nil {
		return nil, err
	}
	return o, o.allowed()
}

func (o *options) define() {
	f := o.flags
	f.Usage = func() {} // writeHelp is ours
	f.SortFlags = false
	f.StringVar(&o.planFile, "plan", "", "plan `FILE`, YAML or JSON, in place of a profile")
	f.Uint64Var(&o.seed, "seed", 0, "repeat the run of this seed `NUMBER`; 0 draws one")
	f.IntVar(&o.figures.Peers, "peers", 0, "`NUMBER` of peers; 0 is what the profile has")
	f.Float64Var(&o.figures.Rate, "rate", 0, "actions a second, a `NUMBER`; 0 is what the profile has")
	f.DurationVar(&o.figures.Duration, "duration", 0, "of the profile; 0s is what the profile has")
	f.IntVar(&o.figures.Networks, "networks", 0, "`NUMBER` of networks; 0 is what the profile has")
	f.StringToStringVar(&o.params, "param", nil, "further figures of the profile, such as leave=rst,stay=2s")
	f.StringArrayVar(&o.pages, "page", nil, "`URL` at whose host /health, /metrics and /debug/pprof are looked for, beside the target's; may be given more than once")
	f.IntVar(&o.pid, "pid", 0, "process `ID` of the target, if it runs on this machine")
	f.StringVar(&o.report, "report", "loadgen-report", "`DIRECTORY` for the report; empty for none")
	f.BoolVar(&o.iOwnThis, "i-own-this", false, "the target on another machine is yours, or its owner agrees")
	f.Float64Var(&o.maxRate, "max-rate", remoteRate, "cap on the rate of every phase, actions a second, a `NUMBER`, for a target on another machine, or on any if given; 0 is none. hostile, spike, stall and drain do more than their rate says, and want it given")
	f.StringSliceVar(&o.sources, "source", nil, "`ADDRESSES` of this machine to connect from, or prefixes such as 192.0.2.16/28; on a loopback target chosen by itself")
	f.IntVar(&o.workers, "workers", 0, "`NUMBER` of processes that share the peers; 0 is as many as the limit of descriptors asks for")
	f.IntVar(&o.agents, "agents", 0, "`NUMBER` of agents on other machines (loadgen agent) that share the peers")
	natsFlags(f, &o.nats, "of a NATS server that agents connect to, too; without it one is started")
	f.StringVar(&o.embedded.Listen, "nats-listen", ":4222", "`ADDRESS` of the server that is started")
	f.StringVar(&o.embedded.Cert, "nats-cert", "", "its certificate, a PEM `FILE`: agents connect by TLS")
	f.StringVar(&o.embedded.Key, "nats-key", "", "the key of the certificate, a PEM `FILE`")
	f.DurationVar(&o.wait, "agents-wait", time.Minute, "how long to wait for agents")
	f.BoolVar(&o.ignore, "ignore-preflight", false, "begin although this machine does not suffice")
	f.StringVar(&o.hub, "hub", "", "pigeonhub program, a `FILE`, to check when there is no URL")
	f.StringVar(&o.codec, "codec", codec.Words()[0], "protocol of the target, a `WORD`: "+strings.Join(codec.Words(), " or ")+"; text is any other one, by the templates that follow")
	f.StringVar(&o.text.URL, "url-template", "", "URL or path that a peer dials, a `TEMPLATE` of {id}, {index} and {network}; empty for the target's")
	f.StringVar(&o.text.First, "first", "", "first message of a peer, a `TEMPLATE`")
	f.StringVar(&o.text.Message, "message", "", "message of a peer, a `TEMPLATE` that has {sequence}, too; empty for \"{id} {sequence}\"")
	f.StringVar(&o.text.Reply, "reply", "", "what is in the reply to a message, a `TEMPLATE`, or /of a regular expression/; empty for the message")
	f.StringArrayVar(&o.fail, "fail", nil, "`THRESHOLD` that must hold, such as 'p99(offer)<50ms', 'leak==none' or 'lost==0'; may be given more than once")
	f.BoolVar(&o.noLive, "no-live", false, "lines of progress instead of the live view, as when stderr is no terminal")
	f.BoolVar(&o.printPlan, "print-plan", false, "print the plan and do nothing")
	f.BoolVarP(&o.help, "help", "h", false, "print this")
}

// fromEnvironment sets the flags that were not given. An empty variable counts as
// unset.
func (o *options) fromEnvironment(environ []string) error {
	values := map[string]string{}
	o.environ = values
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	var errs []error
	o.flags.VisitAll(func(f *pflag.Flag) {
		name := variable(f.Name)
		if value := values[name]; value != "" && !f.Changed {
			if err := o.flags.Set(f.Name, value); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	})
	return errors.Join(errs...)
}

func variable(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// runWord may stand before the profile, beside agent.
const runWord = "run"

// words takes the profile's word and the URL, either of which may be missing.
func (o *options) words(words []string) (profile string, err error) {
	if len(words) > 0 && words[0] == runWord {
		words = words[1:]
	}
	if len(words) > 0 && loadgen.IsWord(words[0]) {
		profile, words = words[0], words[1:]
	}
	switch {
	case len(words) > 0 && !strings.Contains(words[0], "://"):
		_, err := loadgen.PlanOf(words[0]) // says which profiles there are
		return "", fmt.Errorf("%.50q is no URL, and %w", words[0], err)
	case len(words) > 1:
		return "", fmt.Errorf("unexpected argument %.50q", words[1])
	case len(words) == 1:
		o.url = words[0]
	}
	if profile != "" && o.planFile != "" {
		return "", errors.New("a profile and --plan exclude each other")
	}
	return profile, nil
}

func (o *options) makePlan(word string) (err error) {
	switch {
	case o.planFile != "":
		o.plan, err = loadgen.LoadPlan(o.planFile)
	case word == "":
		o.plan, err = loadgen.PlanOf("check")
	default:
		o.plan, err = loadgen.PlanOf(word)
	}
	if err != nil {
		return err
	}
	if o.seed != 0 {
		o.plan.Seed = o.seed
	}
	if err := o.chooseCodec(); err != nil {
		return err
	}
	o.figures.Params = o.params
	for _, text := range o.fail {
		t, err := plan.ParseThreshold(text)
		if err != nil {
			return err
		}
		o.plan.Fail = append(o.plan.Fail, t)
	}
	o.plan, err = loadgen.With(o.plan, o.figures)
	return err
}

// chooseCodec puts the codec into the plan, if the command line names one.
func (o *options) chooseCodec() error {
	templates := o.text != codec.Text{}
	switch {
	case o.flags.Changed("codec"):
		o.plan.Codec, o.plan.Text = o.codec, nil
		if templates {
			o.plan.Text = &o.text
		}
	case templates:
		return errors.New("--url-template, --first, --message and --reply are for --codec text")
	}
	return nil
}

func (o *options) writePlan(w io.Writer) error { return yaml.NewEncoder(w).Encode(o.plan) }

// command is the command line that runs the same again, without secrets: it stands in
// reports.
func (o *options) command(seed uint64) string {
	words := []string{"loadgen"}
	for i, a := range o.args {
		switch {
		case i > 0 && o.args[i-1] == secretFlag:
			a = secret
		case strings.HasPrefix(a, secretFlag+"="):
			a = secretFlag + "=" + secret
		}
		words = append(words, quoted(urlUser.ReplaceAllString(a, "$1")))
	}
	if !o.flags.Changed("seed") {
		words = append(words, fmt.Sprintf("--seed=%d", seed))
	}
	return strings.Join(words, " ")
}

const (
	secretFlag = "--nats-token"
	secret     = "..."
)

// urlUser is what stands before the host of a URL: a token, or a name and a password.
var urlUser = regexp.MustCompile(`(://)[^/@\s]*@`)

// quoted writes a word so that a shell reads it as one.
func quoted(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !strings.ContainsRune("-_=./:,@%+", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
