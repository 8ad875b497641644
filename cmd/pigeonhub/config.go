package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/token"
)

// config holds what the settings set. settings.go has the list of settings. Once it is
// resolved and served, it does not change: a reload makes a new one.
type config struct {
	file string // "" means none

	// Where to listen.
	host         string
	port         int
	portRetries  int
	tlsCert      string
	tlsKey       string
	adminAddress string // "" means none
	adminToken   string // "" means none
	adminOpen    bool   // the operator's pages ask for no token

	hub             hub.Config
	jwt             token.Config
	public          admin.PublicConfig
	shutdownTimeout time.Duration

	logLevel  slog.Level
	logFormat string

	// What to do instead of serving.
	help, version, printConfig, checkConfig, healthCheck bool

	args     []string
	environ  map[string]string
	sections []section
	level    *slog.LevelVar  // of the log in use; it outlives a reload
	tls      *certificate    // nil: no TLS; it outlives a reload
	rules    *token.Rules    // nil: no JSON Web Tokens
	verifier *token.Verifier // uses the rules; it outlives a reload
}

// newConfig returns a config that is not resolved yet. An empty environment variable
// counts as unset.
func newConfig(environ []string) *config {
	c := &config{environ: make(map[string]string), level: new(slog.LevelVar), verifier: new(token.Verifier)}
	for _, pair := range environ {
		if name, value, _ := strings.Cut(pair, "="); strings.TrimSpace(value) != "" {
			c.environ[name] = strings.TrimSpace(value)
		}
	}
	c.sections = c.settings()
	return c
}

// warnings returns a text for each setting that will not have the effect it suggests.
func (c *config) warnings() (texts []string) {
	for _, name := range []string{"BOOTSTRAP_HUBS", "BOOTSTRAP"} {
		if c.environ[name] != "" {
			texts = append(texts, name+" is set, but this version does not link hubs: it serves its own peers only")
		}
	}
	if most := hub.DefaultMaxConnections(); c.hub.MaxConnections > most {
		texts = append(texts, "max-connections exceeds the descriptor limit of the process: raise the limit (ulimit -n, LimitNOFILE)")
	}
	for i, t := range c.hub.AuthTokens {
		if !t.Expires.IsZero() && time.Now().After(t.Expires) {
			texts = append(texts, fmt.Sprintf("token %d of auth-tokens has expired", i+1))
		}
	}
	for _, name := range c.unknown() {
		texts = append(texts, name+" is set, but there is no such setting")
	}
	return texts
}

// unknown returns the variables that have the prefix of settings but name no setting, in order.
func (c *config) unknown() (names []string) {
	known := make(map[string]bool)
	for s := range c.all() {
		known[s.variable()], known[s.ours()] = true, true
	}
	for _, name := range slices.Sorted(maps.Keys(c.environ)) {
		if strings.HasPrefix(name, envPrefix) && !known[name] && !fromKubernetes(name) {
			names = append(names, name)
		}
	}
	return names
}

// guarding lists parts of the names of settings that close or bound a hub. If such a
// name is misspelled, the hub must not start: it would run open.
var guarding = []string{
	"TOKEN", "JWT", "SECRET", "PASSWORD", "AUTH", "KEY", "CERT", "TLS", "ORIGIN", "ALLOW", "DENY", "HIDE", "TRUST",
	"MAX", "LIMIT", "RATE", "BURST", "BYTES", "SIZE", "TIMEOUT", "QUOTA",
}

// misspelled returns a problem for each unknown variable that looks like a secret or a
// limit.
func (c *config) misspelled() (problems []error) {
	for _, name := range c.unknown() {
		if slices.ContainsFunc(guarding, func(part string) bool { return strings.Contains(name, part) }) {
			problems = append(problems, fmt.Errorf("%s is set, but there is no such setting, and its name is one of a secret or a limit", name))
		}
	}
	return problems
}

// fromKubernetes reports whether Kubernetes sets the variable in pods near a Service
// named pigeonhub. It sets PIGEONHUB_PORT to "tcp://10.0.0.7:3000", so the variable for
// the port is PORT.
func fromKubernetes(name string) bool {
	return strings.HasPrefix(name, envPrefix+"SERVICE_") || strings.HasPrefix(name, envPrefix+"PORT")
}

// checkMetrics returns a problem if every machine could read the metrics.
func (c *config) checkMetrics() []error {
	h := c.hub
	if !c.public.Metrics || c.adminToken != "" || c.adminOpen || h.AuthToken != "" || len(h.AuthTokens) > 0 || h.Authorize != nil || isLoopback(c.host) {
		return nil
	}
	return []error{errors.New("public-metrics is set, but no token is: set admin-token, or to none if every machine may read the metrics")}
}

// loadRules reads the keys of JSON Web Tokens, if there are any.
func (c *config) loadRules() []error {
	rules, err := token.Load(c.jwt)
	if err != nil {
		return []error{fmt.Errorf("jwt-key and jwt-jwks: %w", err)}
	}
	if c.rules = rules; rules != nil {
		c.hub.Authorize = c.verifier.Authorize
	}
	return nil
}

// tryHub validates the part of the configuration that belongs to the hub.
func (c *config) tryHub() []error {
	if err := c.hub.Validate(); err != nil {
		return []error{err}
	}
	return nil
}
