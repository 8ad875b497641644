package main

import (
	"log/slog"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
)

// config is what the settings set. The table that connects the two is in
// settings.go.
type config struct {
	// Where to listen.
	host         string
	port         int
	portRetries  int
	tlsCert      string
	tlsKey       string
	adminAddress string // "" for none

	hub             hub.Config
	public          admin.PublicConfig
	shutdownTimeout time.Duration

	logLevel  slog.Level
	logFormat string

	// What to do instead of serving.
	help, version, printConfig, checkConfig, healthCheck bool

	environ  map[string]string
	sections []section
	tls      *certificate // nil: no TLS
}

// newConfig returns a config that has not been resolved. An empty environment
// variable counts as unset: that is how deployments take one back.
func newConfig(environ []string) *config {
	c := &config{environ: make(map[string]string)}
	for _, pair := range environ {
		if name, value, _ := strings.Cut(pair, "="); strings.TrimSpace(value) != "" {
			c.environ[name] = strings.TrimSpace(value)
		}
	}
	c.sections = c.settings()
	return c
}

// warnings are about what is set and will not do what was meant.
func (c *config) warnings() (texts []string) {
	for _, name := range []string{"BOOTSTRAP_HUBS", "BOOTSTRAP"} {
		if c.environ[name] != "" {
			texts = append(texts, name+" is set, but this version makes no links to other hubs: it serves its own peers only")
		}
	}
	if most := hub.DefaultMaxConnections(); c.hub.MaxConnections > most {
		texts = append(texts, "max-connections is more than the descriptor limit of the process allows: raise the limit (ulimit -n, LimitNOFILE)")
	}
	known := make(map[string]bool)
	for s := range c.all() {
		known[s.variable()] = true
	}
	for name := range c.environ {
		if strings.HasPrefix(name, envPrefix) && !known[name] && !fromKubernetes(name) {
			texts = append(texts, name+" is set, but there is no such setting")
		}
	}
	return texts
}

// fromKubernetes reports whether Kubernetes sets the variable in every pod near a
// Service named pigeonhub. PORT is our variable for the port, not PIGEONHUB_PORT,
// because that one would then hold "tcp://10.0.0.7:3000".
func fromKubernetes(name string) bool {
	return strings.HasPrefix(name, envPrefix+"SERVICE_") || strings.HasPrefix(name, envPrefix+"PORT")
}

// tryHub lets the hub judge its part of the configuration.
func (c *config) tryHub() []error {
	if err := c.hub.Validate(); err != nil {
		return []error{err}
	}
	return nil
}
