package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/agents"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/dial"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// envPrefix begins the environment variables: LOADGEN_SEED stands for --seed.
const envPrefix = "LOADGEN_"

// options are the values of a command line.
type options struct {
	args  []string
	flags *pflag.FlagSet
	given map[string]bool // flags of the command line

	url  string // "" to start a hub
	plan plan.Plan

	planFile  string
	seed      uint64
	figures   plan.Phase
	residents int
	params    map[string]string
	pages     []string
	pid       int
	report    string
	iOwnThis  bool
	maxRate   float64
	lowered   []loweredRate
	sources   []string
	ignore    bool // the advice of preflight
	workers   int
	agents    int
	nats      agents.NATS
	embedded  agents.EmbeddedNATS
	wait      time.Duration // for agents
	hub       string
	fail      []string
	push      pushing
	codec     string
	text      codec.Text
	peers     dial.Options // how each peer connects
	help      bool
	version   bool
	printPlan bool
	noLive    bool
	environ   map[string]string
}

// parse reads flags, and the environment for those that are not given. The words before the
// URL may name a profile; the default is check.
func parse(args, environ []string) (*options, error) {
	o := &options{args: args, flags: pflag.NewFlagSet("loadgen", pflag.ContinueOnError), given: map[string]bool{}}
	o.define()
	if err := o.flags.Parse(args); err != nil {
		return nil, err
	}
	if o.help || o.version {
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
	if err := o.push.prepare(o.environ); err != nil {
		return nil, err
	}
	return o, o.allowed()
}

func (o *options) define() {
	f := o.flags
	f.Usage = func() {} // writeHelp prints the usage
	f.SortFlags = false
	f.StringVar(&o.planFile, "plan", "", "plan `FILE`, YAML or JSON, in place of a profile")
	f.Uint64Var(&o.seed, "seed", 0, "seed `NUMBER` of the run to repeat; 0 draws one")
	f.IntVar(&o.figures.Peers, "peers", 0, "`NUMBER` of peers; 0 for the default of the profile")
	f.Float64Var(&o.figures.Rate, "rate", 0, "`NUMBER` of actions a second; 0 for the default of the profile")
	f.DurationVar(&o.figures.Duration, "duration", 0, "of the profile; 0s for its default")
	f.IntVar(&o.figures.Networks, "networks", 0, "`NUMBER` of networks; 0 for the default of the profile")
	f.IntVar(&o.residents, "residents", 0, "`NUMBER` of peers of a check that stay and listen while others come and go; 0 for none. By default a check has some")
	f.StringToStringVar(&o.params, "param", nil, "further parameters of the profile, such as leave=rst,stay=2s")
	f.StringArrayVar(&o.pages, "page", nil, "further `URL` whose host may have /health, /metrics and /debug/pprof; may be repeated")
	f.IntVar(&o.pid, "pid", 0, "process `ID` of the target, if it runs on this machine")
	f.StringVar(&o.report, "report", "loadgen-report", "`DIRECTORY` for the report; empty for none")
	f.BoolVar(&o.iOwnThis, "i-own-this", false, "confirm that the target on another machine is yours, or that its owner agrees")
	f.Float64Var(&o.maxRate, "max-rate", remoteRate, "bound of the rate of each phase, a `NUMBER` of actions a second, for a target on another machine, or for any if given; 0 for no bound. hostile, spike, stall and drain put more load on the target than their rate says, and need this flag")
	f.StringSliceVar(&o.sources, "source", nil, "`ADDRESSES` of this machine to connect from, or prefixes such as 192.0.2.16/28; chosen automatically for a loopback target")
	f.IntVar(&o.workers, "workers", 0, "`NUMBER` of processes that share the peers; 0 for as many as the limit of descriptors requires")
	f.IntVar(&o.agents, "agents", 0, "`NUMBER` of agents on other machines (loadgen agent) that share the peers")
	natsFlags(f, &o.nats, "of the NATS server that agents connect to; empty to start one")
	f.StringVar(&o.embedded.Listen, "nats-listen", ":4222", "`ADDRESS` of the server that is started")
	f.StringVar(&o.embedded.Cert, "nats-cert", "", "PEM `FILE` with its certificate, for TLS")
	f.StringVar(&o.embedded.Key, "nats-key", "", "PEM `FILE` with the key of the certificate")
	f.DurationVar(&o.wait, "agents-wait", time.Minute, "how long to wait for agents")
	f.BoolVar(&o.ignore, "ignore-preflight", false, "begin even if this machine does not suffice")
	f.StringVar(&o.hub, "hub", "", "pigeonhub program, a `FILE`, to start if there is no URL")
	f.StringVar(&o.codec, "codec", codec.Words()[0], "protocol of the target, a `WORD`: "+strings.Join(codec.Words(), " or ")+"; text is any other protocol, by the templates below")
	f.StringVar(&o.text.URL, "url-template", "", "`TEMPLATE` of the URL or path that a peer dials, with {id}, {index} and {network}; empty for the URL of the target")
	f.StringVar(&o.text.First, "first", "", "`TEMPLATE` of the first message of a peer")
	f.StringVar(&o.text.Message, "message", "", "`TEMPLATE` of each further message, which may also have {sequence}; empty for \"{id} {sequence}\"")
	f.StringVar(&o.text.Reply, "reply", "", "`TEMPLATE` of a text that the reply to a message contains, or of a /regular expression/; empty for the message")
	f.StringArrayVar(&o.text.Answers, "answer", nil, "`SENT=REPLY`: answer a keep-alive, such as 2=3 or PING=PONG; SENT is a whole message, or a /regular expression/ whose groups REPLY may have as $1; REPLY may have the placeholders; may be repeated")
	f.BoolVar(&o.text.Turns, "turns", false, "a peer waits for the reply before its next message; what is due in the meantime is sent then, and counts as late")
	f.BoolVar(&o.text.Binary, "binary", false, "send binary frames; the templates may have escapes such as \\x00")
	f.StringArrayVar(&o.peers.Headers, "header", nil, "`HEADER` of each handshake, written as 'Name: value', whose value may have {id}, {index} and {network}; may be repeated. Its value is not printed")
	f.StringArrayVar(&o.peers.Cookies, "cookie", nil, "`COOKIE` of each handshake, written as name=value, with the same placeholders; may be repeated. Its value is not printed")
	f.StringArrayVar(&o.peers.Subprotocols, "subprotocol", nil, "`NAME` of a WebSocket subprotocol to ask for; may be repeated, the preferred one first")
	f.StringVar(&o.peers.CA, "tls-ca", "", "PEM `FILE` of the authorities that check the certificate of the target; empty for those of the system")
	f.BoolVar(&o.peers.Insecure, "tls-insecure", false, "accept any certificate of the target")
	f.StringVar(&o.peers.ServerName, "tls-server-name", "", "`NAME` that TLS asks for (SNI) and the certificate must have; empty for the host of the URL")
	f.StringArrayVar(&o.fail, "fail", nil, "`THRESHOLD` that must hold, such as 'p99(offer)<50ms', 'leak==none' or 'lost==0'; may be repeated")
	o.push.define(f)
	f.BoolVar(&o.noLive, "no-live", false, "print lines of progress instead of the live view")
	f.BoolVar(&o.printPlan, "print-plan", false, "print the plan and do nothing")
	f.BoolVar(&o.version, "version", false, "print the version")
	f.BoolVarP(&o.help, "help", "h", false, "print this, or the parameters of the profile that precedes it")
}

// fromEnvironment sets the flags that were not given. An empty variable counts as unset.
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

// runWord may precede the profile.
const runWord = "run"

// words takes the profile and the URL from the words of the command line. Both are
// optional.
func (o *options) words(words []string) (profile string, err error) {
	if len(words) > 0 && words[0] == runWord {
		words = words[1:]
	}
	if len(words) > 0 && loadgen.IsWord(words[0]) {
		profile, words = words[0], words[1:]
	}
	switch {
	case len(words) > 0 && !strings.Contains(words[0], "://"):
		_, err := loadgen.PlanOf(words[0]) // the error lists the profiles
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

func (o *options) writePlan(w io.Writer) error { return yaml.NewEncoder(w).Encode(o.plan.Hidden()) }

// command returns the command line that repeats the run, without secrets, for reports.
func (o *options) command(seed uint64) string {
	words := []string{"loadgen"}
	for i, a := range o.args {
		if flag, value, ok := strings.Cut(a, "="); ok && secretFlags[flag] != nil {
			a = flag + "=" + secretFlags[flag](value)
		} else if i > 0 && secretFlags[o.args[i-1]] != nil {
			a = secretFlags[o.args[i-1]](a)
		}
		words = append(words, quoted(dial.HideURL(a)))
	}
	if !o.flags.Changed("seed") {
		words = append(words, fmt.Sprintf("--seed=%d", seed))
	}
	return strings.Join(words, " ")
}

// secretFlags holds what replaces the values of flags that may be secrets.
var secretFlags = map[string]func(string) string{
	"--nats-token":          func(string) string { return "..." },
	"--remote-write-token":  func(string) string { return "..." },
	"--remote-write-header": dial.HideHeader,
	"--header":              dial.HideHeader,
	"--cookie":              dial.HideCookie,
}

// quoted quotes a word for a shell.
func quoted(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !strings.ContainsRune("-_=./:,@%+", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
