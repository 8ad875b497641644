package main

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
)

// samples holds a value for every setting that differs from the default.
var samples = map[string]string{
	"config": os.DevNull, "port": "4000", "host": "127.0.0.1", "port-retries": "3", "tls-cert": "cert.pem", "tls-key": "key.pem", "admin-address": "[::1]:7000",
	"max-connections": "77", "auth-token": "open sesame", "auth-tokens": "next,old@2031-01-02T03:04:05Z", "allowed-origins": "https://example.org, http://localhost:8080",
	"jwt-key": "issuer.pem", "jwt-jwks": "https://issuer.example/keys", "jwt-refresh": "10m", "jwt-issuer": "https://issuer.example", "jwt-audience": "hub",
	"token-connections": "4", "network-connections": "90",
	"address-connections": "50", "prefix-connections": "off", "address-rate": "3", "address-burst": "30", "exempt-addresses": "203.0.113.7,2001:db8::/32",
	"trusted-proxies": "203.0.113.7,10.0.0.0/8", "address-header": "Fly-Client-IP",
	"capacity-503": "true", "retry-after": "9s", "probe-timeout": "3s", "id-reservation": "40s",
	"max-message-bytes": "64KiB", "max-announce-bytes": "2048", "read-bytes-total": "1MiB", "message-rate": "12.5", "message-burst": "50", "announce-rate": "off",
	"announce-burst": "7", "first-message-timeout": "1m30s", "message-timeout": "45s",
	"queue-bytes": "1MiB", "queue-bytes-total": "1GiB", "write-timeout": "5s", "ping-interval": "50s", "pong-timeout": "20s", "close-timeout": "500ms", "park-after": "3s",
	"is-hub": "false", "mesh-namespace": "our-mesh", "hub-key": "key", "hub-peer-ids": strings.Repeat("ab", 20), "relay-renegotiation": "true",
	"shutdown-timeout": "30s", "drain-window": "off", "drain-close-code": "1012",
	"memory-limit": "512MiB", "memory-interval": "off", "memory-rss-warn": "100MiB", "memory-heap-collect": "200MiB",
	"leak-period": "24h",
	"admin-token": "0p3rator", "cors-origin": "https://example.org", "hide-details": "true", "public-metrics": "true", "log-level": "debug", "log-format": "text",
}

// resolved resolves settings that must be right.
func resolved(t *testing.T, args, environ []string) *config {
	t.Helper()
	c := newConfig(environ)
	if problems := c.resolve(args); len(problems) > 0 {
		t.Fatalf("%v %v: %v", args, environ, problems)
	}
	return c
}

// fieldsOf returns what the settings set.
func fieldsOf(c *config) config {
	plain := *c
	plain.args, plain.environ, plain.sections, plain.level = nil, nil, nil, nil
	return plain
}

// Every setting comes from its flag before its variable before its default, and
// sets something.
func TestEverySetting(t *testing.T) {
	t.Parallel()
	defaults := resolved(t, nil, nil)
	for s := range defaults.all() {
		t.Run(s.name, func(t *testing.T) {
			sample, ok := samples[s.name]
			if !ok {
				t.Fatal("no sample of this setting")
			}
			if s.text != s.def || s.from != fromDefault {
				t.Errorf("without flags it is %q from %s, want %q from %s", s.text, s.from, s.def, fromDefault)
			}
			byFlag := resolved(t, []string{"--" + s.name + "=" + sample}, nil)
			byEnv := resolved(t, nil, []string{s.variable() + "= " + sample + "\n"})
			byBoth := resolved(t, []string{"--" + s.name + "=" + sample}, []string{s.variable() + "=bad\x00value"})
			byEmpty := resolved(t, nil, []string{s.variable() + "= "})
			for _, is := range []struct {
				c          *config
				text, from string
			}{
				{byFlag, sample, "--" + s.name}, {byEnv, sample, s.variable()}, {byBoth, sample, "--" + s.name}, {byEmpty, s.def, fromDefault},
			} {
				if got := is.c.setting(s.name); got.text != is.text || got.from != is.from {
					t.Errorf("it is %q from %s, want %q from %s", got.text, got.from, is.text, is.from)
				}
			}
			if reflect.DeepEqual(fieldsOf(byFlag), fieldsOf(defaults)) {
				t.Errorf("--%s=%s sets nothing", s.name, sample)
			}
			if !reflect.DeepEqual(fieldsOf(byFlag), fieldsOf(byEnv)) {
				t.Error("the variable sets something else than the flag")
			}
			if !reflect.DeepEqual(fieldsOf(byEmpty), fieldsOf(defaults)) {
				t.Error("an empty variable sets something")
			}
		})
	}
}

// A deployment of the original keeps its environment.
func TestVariablesOfTheOriginal(t *testing.T) {
	t.Parallel()
	c := resolved(t, nil, []string{"PORT=4000", "HOST=localhost", "MAX_CONNECTIONS=50", "CORS_ORIGIN=https://example.org",
		"HUB_MESH_NAMESPACE=mesh", "AUTH_TOKEN=secret", "HUB_PEER_IDS=" + strings.Repeat("0a", 20)})
	got := fmt.Sprint(c.port, c.host, c.hub.MaxConnections, c.public.CORSOrigin, c.hub.MeshNamespace, c.hub.AuthToken, c.hub.HubPeerIDs)
	if want := "4000localhost50https://example.orgmeshsecret[" + strings.Repeat("0a", 20) + "]"; strings.ReplaceAll(got, " ", "") != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Without configuration the hub has the hub role. The table of settings covers each field of
// hub.Config except those that are not for deployments.
func TestHubConfigIsCovered(t *testing.T) {
	t.Parallel()
	if c := resolved(t, nil, nil); !c.hub.IsHub {
		t.Error("it is no hub by default, as the original always is")
	}
	var args []string
	for name, sample := range samples {
		if name != "is-hub" {
			args = append(args, "--"+name+"="+sample)
		}
	}
	c := resolved(t, args, nil)
	for name, ofLibrary := range map[any][]string{
		c.hub.Memory: {"Sample"},
		&c.hub:       {"Logger", "Trace", "MaxSubscriptions", "Authorize"}, // see loadRules
	} {
		v := reflect.Indirect(reflect.ValueOf(name))
		for i := range v.NumField() {
			field := v.Type().Field(i).Name
			if v.Field(i).IsZero() && !slices.Contains(ofLibrary, field) {
				t.Errorf("no setting sets %s.%s", v.Type(), field)
			}
		}
	}
}

func TestFlagForms(t *testing.T) {
	t.Parallel()
	id, other := strings.Repeat("ab", 20), strings.Repeat("CD", 20)
	c := resolved(t, []string{"--port", "1", "--capacity-503", "--is-hub=false", "--hub-peer-ids", id, "--hub-peer-ids=" + other, "--port=2"}, nil)
	if c.port != 2 || !c.hub.CapacityStatus || c.hub.IsHub {
		t.Errorf("port %d, capacity-503 %v, is-hub %v, want 2, true, false", c.port, c.hub.CapacityStatus, c.hub.IsHub)
	}
	if got := fmt.Sprint(c.hub.HubPeerIDs); got != "["+id+" "+other+"]" {
		t.Errorf("hub-peer-ids are %s, want both", got)
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	var environ, names []string
	for s := range newConfig(nil).all() {
		bad := "\x01bad"
		environ, names = append(environ, s.variable()+"="+bad), append(names, s.variable())
	}
	c := newConfig(environ)
	var text strings.Builder
	problems := c.resolve([]string{"--message-rate=0", "--nonsense"})
	writeProblems(&text, problems)
	for _, name := range append(names, "--message-rate", "--nonsense") {
		if name == "PIGEONHUB_MESSAGE_RATE" {
			continue // the flag comes first
		}
		if strings.Count(text.String(), "pigeonhub: "+name+" is ")+strings.Count(text.String(), "flag: "+name+"\n") != 1 {
			t.Errorf("not one line about %s in\n%s", name, &text)
		}
	}
	for _, s := range problems[1:] {
		if !strings.Contains(s.Error(), ", must be ") {
			t.Errorf("%v: does not say what is allowed", s)
		}
	}
}

func TestBadValues(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string][]string{
		"port":                {"-1", "65536", "3000.5", "0x10", ""},
		"max-connections":     {"0", "-5", "many", "1e3", "99999999999999999999"},
		"message-rate":        {"0", "-1", "NaN", "Inf", "1e9"},
		"max-message-bytes":   {"0", "1", "-1KiB", "1.5MiB", "1TiB", "64KB", "9999999999GiB"},
		"ping-interval":       {"0", "0s", "-1s", "10", "25h", "off"},
		"drain-window":        {"0s", "-1", "never"},
		"drain-close-code":    {"1008", "4000"},
		"is-hub":              {"maybe", ""},
		"hub-peer-ids":        {"abc", strings.Repeat("ab", 20) + ",x"},
		"auth-tokens":         {"", ",", "a,,b", "@2031-01-02T03:04:05Z", "p@ss", "old@2031-01-02", "old@never"},
		"allowed-origins":     {"example.org", "https://example.org/", "https://", ",", ""},
		"jwt-refresh":         {"0s", "off", "25h"},
		"token-connections":   {"0", "-1"},
		"admin-address":       {"6060", "localhost", "127.0.0.1:http", "127.0.0.1:70000", ""},
		"cors-origin":         {"*\r\nSet-Cookie: a=b"},
		"log-level":           {"loud"},
		"memory-limit":        {"1MiB", "none"},
		"memory-heap-collect": {"0"}, "leak-period": {"10ms", "1y"},
		"address-connections": {"0", "-1", "many"},
		"exempt-addresses":    {"", "private,10.0.0.0/8", "10.0.0.0/33", "example.org", ","},
		"trusted-proxies":     {"", "all", "10.0.0.0/33"},
		"address-header":      {"", "two words", "X:"},
	} {
		for _, text := range texts {
			c := newConfig(nil)
			if problems := c.resolve([]string{"--" + name + "=" + text}); len(problems) != 1 {
				t.Errorf("--%s=%s: %d problems, want 1: %v", name, text, len(problems), problems)
			}
		}
	}
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0": 0, "17": 17, "17B": 17, "1KiB": 1024, "4 MiB": 4 << 20, "3GiB": 3 << 30, "2TiB": 2 << 40} {
		if got, ok := parseSize(text); !ok || got != want {
			t.Errorf("%q is %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "B", "-1", "1kb", "9223372036854775807KiB", "9223372036854775808"} {
		if got, ok := parseSize(text); ok {
			t.Errorf("%q is %d, want an error", text, got)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	c := resolved(t, []string{"--max-connections=9999999"}, []string{"BOOTSTRAP_HUBS=wss://a.example,wss://b.example", "BOOTSTRAP=",
		"PIGEONHUB_LOG_LEVEL=debug", "PIGEONHUB_LOGLEVEL=debug", "PIGEONHUB_SERVICE_HOST=10.0.0.7", "PIGEONHUB_PORT_3000_TCP=tcp://10.0.0.7:3000"})
	got := strings.Join(c.warnings(), "\n")
	for _, want := range []string{"BOOTSTRAP_HUBS is set", "max-connections exceeds", "PIGEONHUB_LOGLEVEL is set"} {
		if !strings.Contains(got, want) {
			t.Errorf("no warning %q in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "\n") + 1; n != 3 {
		t.Errorf("%d warnings, want 3:\n%s", n, got)
	}
	if w := resolved(t, nil, nil).warnings(); len(w) != 0 {
		t.Errorf("warnings about nothing: %v", w)
	}
}

// The table says the library's defaults again, so that --help can show them.
func TestDefaultsAreTheLibrarys(t *testing.T) {
	t.Parallel()
	got, want := resolved(t, nil, nil).hub.WithDefaults(), hub.Config{IsHub: true}.WithDefaults()
	got.Logger, want.Logger = nil, nil
	got.Trace, want.Trace = nil, nil
	got.AllowedOrigins, want.AllowedOrigins = nil, nil // "*" and none both let all in
	got.HubPeerIDs, want.HubPeerIDs = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("defaults of the table\n%+v\nof hub.Config\n%+v", got, want)
	}
}

// A setting that has a name of the Node.js hub also has the one that its flag suggests.
func TestVariableByFlagName(t *testing.T) {
	t.Parallel()
	c := resolved(t, nil, []string{"PIGEONHUB_AUTH_TOKEN=secret", "PIGEONHUB_MAX_CONNECTIONS=7", "PIGEONHUB_PORT=tcp://10.0.0.7:3000"})
	if c.hub.AuthToken != "secret" || c.hub.MaxConnections != 7 || c.port != 3000 {
		t.Errorf("token %q, max-connections %d, port %d, want secret, 7, 3000", c.hub.AuthToken, c.hub.MaxConnections, c.port)
	}
	if w := c.warnings(); len(w) != 0 {
		t.Errorf("warnings about nothing: %v", w)
	}
	both := resolved(t, nil, []string{"PIGEONHUB_AUTH_TOKEN=one", "AUTH_TOKEN=other"})
	if got := both.setting("auth-token"); got.text != "other" || got.from != "AUTH_TOKEN" {
		t.Errorf("with both it is %q from %s, want the one of AUTH_TOKEN", got.text, got.from)
	}
}

// A hub does not start with a misspelled secret or limit, because it would run open.
func TestUnknownSecretsAndLimitsAreProblems(t *testing.T) {
	t.Parallel()
	for name, problem := range map[string]bool{
		"PIGEONHUB_AUTHTOKEN": true, "PIGEONHUB_TOKEN": true, "PIGEONHUB_MAXCONNECTIONS": true, "PIGEONHUB_MESSAGE_RATES": true,
		"PIGEONHUB_HUB_SECRET": true, "PIGEONHUB_QUEUE_BYTES_PER_PEER": true, "PIGEONHUB_PONG_TIMEOUTS": true,
		"PIGEONHUB_LOGLEVEL": false, "PIGEONHUB_SERVICE_PORT": false, "PIGEONHUB_NAME": false, "OTHER_TOKEN": false,
	} {
		var out strings.Builder
		code := run(t.Context(), []string{"--print-config"}, []string{name + "=hunter2"}, io.Discard, &out)
		if (code == exitConfig) != problem || strings.Contains(out.String(), name) != problem || strings.Contains(out.String(), "hunter2") {
			t.Errorf("%s: exit code %d, want %d if %v; stderr:\n%s", name, code, exitConfig, problem, &out)
		}
	}
}
