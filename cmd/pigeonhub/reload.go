package main

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/pigeonhub/pigeonhub/hub/admin"
)

// reload resolves the settings again, because the configuration file or the certificate may
// have changed, and replaces the configuration by the new one as a whole. If it has a
// problem, the old one stays. No session ends.
func (s *service) reload() {
	s.notify.reloading()
	defer s.notify.send("READY=1")
	old := s.cfg.Load()
	c, problems := old.again()
	if len(problems) == 0 {
		problems = c.tryHub()
	}
	if len(problems) > 0 {
		s.log.Error("settings not reloaded, the old ones stay", "problems", texts(problems))
		return
	}
	for _, text := range c.keepFixed(old) {
		s.log.Warn("a change needs a restart", "setting", text)
	}
	changed := c.changes(old)
	c.verifier.Use(c.rules, s.log)                   // first, because the hub may ask for it as soon as it is configured
	if err := s.hub.Reconfigure(c.hub); err != nil { // tryHub has found nothing
		s.log.Error("settings not reloaded, the old ones stay", "problems", texts([]error{err}))
		return
	}
	if old.tls != nil {
		if old.tls.take(c.tls) {
			changed = append(changed, "certificate: expires "+old.tls.expires().Format("2006-01-02 15:04:05Z07:00"))
		}
		c.tls = old.tls
	}
	s.cfg.Store(c)
	s.setPages(c)
	for _, text := range c.warnings() {
		if !slices.Contains(old.warnings(), text) {
			s.log.Warn(text)
		}
	}
	c.level.Set(min(old.logLevel, c.logLevel)) // so that the line below is not lost
	s.log.Info("settings reloaded", "changed", changed)
	c.level.Set(c.logLevel)
}

// again returns what the same flags and variables and the file of today resolve to. Its
// certificate is read from the files that c names, because their names are fixed.
func (c *config) again() (next *config, problems []error) {
	next = &config{environ: c.environ, level: c.level, verifier: c.verifier}
	next.sections = next.settings()
	problems = next.resolve(c.args)
	if len(problems) == 0 && c.tls != nil {
		next.tls, problems = newCertificate(c.tlsCert, c.tlsKey)
	}
	problems = append(problems, next.loadRules()...)
	problems = append(problems, next.checkMetrics()...)
	return next, problems
}

// keepFixed gives the settings that need a restart the values of old. It returns a text
// for each that differs.
func (c *config) keepFixed(old *config) (texts []string) {
	for s := range c.all() {
		was := old.setting(s.name)
		if !s.fixed || s.text == was.text {
			continue
		}
		texts = append(texts, change(was, s))
		s.value.set(was.text)
		s.text, s.from = was.text, was.from
	}
	return texts
}

// changes returns a text for each setting that differs from old.
func (c *config) changes(old *config) []string {
	texts := []string{}
	for s := range c.all() {
		if was := old.setting(s.name); s.text != was.text {
			texts = append(texts, change(was, s))
		}
	}
	return texts
}

// change describes the change of a setting. A secret is not shown.
func change(old, next *setting) string {
	return fmt.Sprintf("%s: %s -> %s", next.name, old.shown(), next.shown())
}

func texts(problems []error) (list []string) {
	for _, err := range problems {
		list = append(list, err.Error())
	}
	return list
}

// setPages makes the handler of the port for peers from c.
func (s *service) setPages(c *config) {
	pages := c.public
	pages.Collectors, pages.MetricsToken = c.collectors(), c.adminToken
	h := admin.Public(s.hub, pages)
	s.pages.Store(&h)
}

// servePages passes a request to the handler in use.
func (s *service) servePages(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	defer s.requests.Add(-1)
	(*s.pages.Load()).ServeHTTP(w, r)
}
