package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// asProgram is the variable that makes the test be the program.
const asProgram = "LOADGEN_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, args, environ string
		want                func(*options) bool
	}{
		{"nothing", "", "", func(o *options) bool { return o.url == "" && o.plan.Phases[0].Profile == "check" }},
		{"URL alone", "ws://127.0.0.1:3000", "", func(o *options) bool { return o.url != "" && o.plan.Phases[0].Profile == "check" }},
		{"profile and URL", "churn ws://localhost:3000 --peers 7", "", func(o *options) bool {
			return o.plan.Phases[0].Profile == "churn" && o.plan.Phases[0].Peers == 7
		}},
		{"parameters", "churn --param leave=rst,stay=1s", "", func(o *options) bool {
			return o.plan.Phases[0].Params["leave"] == "rst" && o.plan.Phases[0].Params["stay"] == "1s"
		}},
		{"plan", "--plan ../../testdata/plans/resets.json", "", func(o *options) bool { return o.plan.Seed == 24301 }},
		{"environment", "ramp", "LOADGEN_SEED=5 LOADGEN_PEERS=9", func(o *options) bool { return o.plan.Seed == 5 && o.plan.Phases[0].Peers == 9 }},
		{"flag before environment", "ramp --seed 6", "LOADGEN_SEED=5", func(o *options) bool { return o.plan.Seed == 6 }},
		{"run", "run churn --peers 7", "", func(o *options) bool { return o.plan.Phases[0].Profile == "churn" }},
		{"another machine that is mine", "--i-own-this wss://hub.example.org", "", func(o *options) bool { return o.url != "" }},
		{"cap for another machine", "churn --i-own-this ws://192.0.2.7:3000", "", func(o *options) bool {
			return o.plan.Phases[0].Rate == remoteRate && len(o.lowered) == 1
		}},
		{"cap that is raised", "churn --i-own-this --max-rate=150 ws://192.0.2.7:3000", "", func(o *options) bool { return o.plan.Phases[0].Rate == 150 }},
		{"no cap", "churn --i-own-this --max-rate=0 --rate=5000 ws://192.0.2.7:3000", "", func(o *options) bool { return o.plan.Phases[0].Rate == 5000 }},
		{"roughness, and meant", "check --param=rough=yes --i-own-this --max-rate=0 ws://192.0.2.7:3000", "", func(o *options) bool { return o.plan.Phases[0].Params["rough"] == "yes" }},
		{"no roughness with a cap", "check --max-rate=300 ws://127.0.0.1:3000", "", func(o *options) bool { return o.plan.Phases[0].Params["rough"] == "no" }},
		{"residents", "--residents=3", "", func(o *options) bool { return o.plan.Phases[0].Params["residents"] == "3" }},
		{"no residents", "check", "LOADGEN_RESIDENTS=0", func(o *options) bool { return o.plan.Phases[0].Params["residents"] == "0" }},
		{"more than a rate, and meant", "spike --i-own-this --max-rate=0 ws://192.0.2.7:3000", "", func(o *options) bool { return o.lowered == nil }},
		{"a server for agents in the environment", "ramp", "LOADGEN_NATS=nats://127.0.0.1:1", func(o *options) bool { return o.agents == 0 }},
		{"connection", "ramp --header A:1 --header B:{id} --cookie c=2 --subprotocol d --tls-ca e --tls-server-name f wss://127.0.0.1", "", func(o *options) bool {
			c := o.plan.Connection
			return len(c.Headers) == 2 && c.Cookies[0] == "c=2" && c.Subprotocols[0] == "d" && c.CA == "e" && c.ServerName == "f"
		}},
		{"connection from the environment", "ramp", "LOADGEN_HEADER=A:1 LOADGEN_TLS_INSECURE=true", func(o *options) bool {
			return o.plan.Connection.Insecure && o.plan.Connection.Headers[0] == "A:1"
		}},
		{"no cap on this machine", "churn --rate=5000 ws://127.0.0.1:3000", "", func(o *options) bool { return o.plan.Phases[0].Rate == 5000 && o.lowered == nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o, err := parse(strings.Fields(tt.args), strings.Fields(tt.environ))
			if err != nil || !tt.want(o) {
				t.Errorf("got %+v: %v", o, err)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, args, environ, names string }{
		{"another machine", "wss://hub.example.org", "", "--i-own-this"},
		{"another address", "ws://192.0.2.7:3000", "", "--i-own-this"},
		{"rate above the cap", "churn --i-own-this --rate=101 ws://192.0.2.7:3000", "", "--max-rate"},
		{"more than a rate for another machine", "spike --i-own-this ws://192.0.2.7:3000", "", "--max-rate"},
		{"agents are on other machines", "ramp --agents 2 ws://127.0.0.1:1", "", "for each agent its own one: give the address at which agents reach the target"},
		{"a server for agents that are not there", "ramp --nats nats://127.0.0.1:1", "", "--agents"},
		{"roughness for another machine", "check --param=rough=yes --i-own-this ws://192.0.2.7:3000", "", "--max-rate"},
		{"roughness of another kind", "check --param=rough=very", "", "must be here, yes or no"},
		{"negative cap", "churn --max-rate=-1", "", "--max-rate"},
		{"unknown flag", "--pears 3", "", "pears"},
		{"unknown word", "rump ws://127.0.0.1:3000", "", "rump"},
		{"no URL", "127.0.0.1:3000", "", "no URL"},
		{"two URLs", "ws://127.0.0.1:1 ws://127.0.0.1:2", "", "unexpected"},
		{"a limit that no level measures", "capacity --fail leak==none", "", "leak==none"},
		{"a limit that is no threshold", "capacity --param limits=lost", "", "lost"},
		{"a leak that nothing tests", "churn --fail leak==none", "", "no phase tests for leaks"},
		{"unknown parameter", "churn --param leaf=rst", "", "leaf"},
		{"workers and agents", "ramp --workers 2 --agents 2 ws://127.0.0.1:1", "", "exclude"},
		{"negative workers", "ramp --workers -1", "", "--workers"},
		{"agents for a hub of our own", "ramp --agents 2", "", "--agents"},
		{"certificate without a key", "ramp --agents 2 --nats-cert x ws://127.0.0.1:1", "", "--nats-key"},
		{"header without a name", "ramp --header secret", "", "'Name: value'"},
		{"bad variable", "ramp", "LOADGEN_PEERS=many", "LOADGEN_PEERS"},
		{"plan and profile", "churn --plan ../../testdata/plans/resets.json", "", "exclude"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := parse(strings.Fields(tt.args), strings.Fields(tt.environ)); err == nil || !strings.Contains(err.Error(), tt.names) {
				t.Errorf("got %v, want an error that names %q", err, tt.names)
			}
		})
	}
}

// In a search for the capacity a threshold is a limit of each level, except one on the result.
func TestLimits(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"capacity", "--fail", "p99(candidate)<50ms", "--fail", "lost==0", "--fail", "figure(peers held)>=5000", "ws://127.0.0.1:3000"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := o.plan.Phases[0].Params["limits"]; got != "p99(candidate)<50ms; lost==0" || len(o.plan.Fail) != 1 {
		t.Errorf("limits %q, thresholds %v", got, o.plan.Fail)
	}
}

// The command in the report runs the same again, in a shell.
func TestCommand(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"churn", "--report", "it's here", "ws://127.0.0.1:3000"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := o.command(7), `loadgen churn --report 'it'\''s here' ws://127.0.0.1:3000 --seed=7`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The report holds no secret of the command line.
func TestCommandWithoutSecrets(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"--nats-token hush --agents 2", "--nats-token=hush --agents=2", "--agents 2 --nats nats://hush@127.0.0.1:4222", "--agents 2 --nats=tls://me:hush@127.0.0.1:4222",
		"--header Authorization:hush --header=X-Key:hush --cookie sid=hush --codec text --url-template /?token=hush"} {
		o, err := parse(append(strings.Fields(args), "--i-own-this", "ramp", "ws://127.0.0.1:3000"), nil)
		if err != nil {
			t.Fatal(err)
		}
		var plan bytes.Buffer
		if err := o.writePlan(&plan); err != nil {
			t.Error(err)
		}
		if got := o.command(7); strings.Contains(got+plan.String(), "hush") || !strings.Contains(got, "ws://127.0.0.1:3000") {
			t.Errorf("%s: %s\n%s", args, got, plan.String())
		}
	}
}

func TestHelpAndPlan(t *testing.T) {
	t.Parallel()
	var help, plan, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, nil, &help, &stderr); code != exitPassed || !strings.Contains(help.String(), "churn") || !strings.Contains(help.String(), "--i-own-this") {
		t.Errorf("code %d, help %q", code, help.String())
	}
	if code := run(t.Context(), []string{"churn", "--print-plan", "--peers", "12"}, nil, &plan, &stderr); code != exitPassed {
		t.Errorf("code %d: %s", code, stderr.String())
	}
	for args, want := range map[string]string{"churn --help": "--param stay=500ms", "spike -h": "needs --max-rate", "--version": "loadgen "} {
		var out bytes.Buffer
		if code := run(t.Context(), strings.Fields(args), nil, &out, &stderr); code != exitPassed || !strings.Contains(out.String(), want) || strings.Contains(out.String(), "Profiles:") {
			t.Errorf("%s: code %d, %s", args, code, out.String())
		}
	}
	file := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(file, plan.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if o, err := parse([]string{"--plan", file}, nil); err != nil || o.plan.Phases[0].Peers != 12 {
		t.Errorf("the printed plan is not one: %v", err)
	}
}

// slow reports whether a run is inconclusive because the machine was busy.
func slow(code int, text string) bool {
	return code == exitInconclusive && strings.Contains(text, "the generator was saturated")
}

// Without a URL a hub is built, started, loaded and stopped.
func TestOwnHub(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	args := []string{"ramp", "--peers=50", "--rate=200", "--duration=100ms", "--report=" + dir}
	if code := run(t.Context(), args, nil, &stdout, &stderr); code != exitPassed && !slow(code, stdout.String()) {
		t.Fatalf("code %d\n%s\n%s", code, stdout.String(), stderr.String())
	}
	if !strings.Contains(stdout.String(), "verdict UNTESTED") && !strings.Contains(stdout.String(), "verdict INCONCLUSIVE") || !strings.Contains(stderr.String(), "stopped the hub  status 0") {
		t.Errorf("%s\n%s", stdout.String(), stderr.String())
	}
	for _, name := range []string{"index.html", "verdict.json", "junit.xml", "leaks.sarif", "verdict.md", "verdict.txt", "loadgen.json"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A hub that does not start, and one that is not there, are said.
func TestHubThatDoesNotStart(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "hub")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho no luck today >&2\nexit 7\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]string{script: "no luck today", script + "-missing": "no such file"} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{"--hub", program, "--report="}, nil, &stdout, &stderr); code != exitCannotTell || !strings.Contains(stderr.String(), want) {
			t.Errorf("code %d, stderr %q, want %q", code, stderr.String(), want)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"ramp", "--report=", "ws://127.0.0.1:1"}, nil, &stdout, &stderr); code != exitCannotTell || !strings.Contains(stderr.String(), "no peer can connect") {
		t.Errorf("code %d, stderr %q", code, stderr.String())
	}
}

// Any other WebSocket server: the flags of the text codec go into the plan.
func TestTextFlags(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"steady", "--codec=text", "--url-template=/{network}", "--first=hi", "--message={id} {sequence}", "--reply=ok", "--answer=2=3", "--turns", "--binary", "ws://127.0.0.1:3000"}, nil)
	if err != nil || o.plan.Text == nil || !o.plan.Text.Turns || !o.plan.Text.Binary || o.plan.Text.Answers[0] != "2=3" || o.plan.Text.Reply != "ok" || o.plan.Text.URL != "/{network}" {
		t.Errorf("got %+v: %v", o, err)
	}
	for args, names := range map[string]string{"--codec=morse": "morse", "--reply=ok": "--codec text", "--codec=text --reply={foo}": "{foo}"} {
		if _, err := parse(strings.Fields(args), nil); err == nil || !strings.Contains(err.Error(), names) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// The drain profile restarts the hub at the same address, and its end is not taken for
// dead.
func TestOwnHubIsRestarted(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	args := []string{"drain", "--peers=20", "--rate=100", "--duration=300ms", "--networks=2", "--report="}
	code := run(t.Context(), args, nil, &stdout, &stderr)
	if code != exitPassed && code != exitInconclusive { // the machine may be busy
		t.Fatalf("code %d\n%s\n%s", code, stdout.String(), stderr.String())
	}
	if !strings.Contains(stdout.String(), "20 of 20") || strings.Count(stderr.String(), "stopped the hub  status 0") != 2 {
		t.Errorf("%s\n%s", stdout.String(), stderr.String())
	}
}
