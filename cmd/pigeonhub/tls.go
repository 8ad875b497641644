package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// certRecheck is the shortest time between two looks at the certificate's files.
const certRecheck = time.Minute

// certificate is a key pair from two files. It is read again when they change, so that
// a renewal needs no restart.
type certificate struct {
	certFile, keyFile string
	recheck           time.Duration
	log               *slog.Logger // nil until serving

	mu     sync.Mutex
	pair   *tls.Certificate
	stamp  [2]fileStamp // of the files that pair was read from
	looked time.Time
}

// fileStamp changes when a file changes.
type fileStamp struct {
	modified time.Time
	size     int64
}

// loadTLS reads the certificate, if one is configured.
func (c *config) loadTLS() []error {
	switch {
	case c.tlsCert == "" && c.tlsKey == "":
		return nil
	case c.tlsCert == "":
		return []error{errors.New("tls-key is set, but tls-cert is not: TLS needs both")}
	case c.tlsKey == "":
		return []error{errors.New("tls-cert is set, but tls-key is not: TLS needs both")}
	}
	var problems []error
	c.tls, problems = newCertificate(c.tlsCert, c.tlsKey)
	return problems
}

// newCertificate reads a certificate.
func newCertificate(certFile, keyFile string) (*certificate, []error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, recheck: certRecheck}
	if err := c.load(); err != nil {
		return c, []error{fmt.Errorf("tls-cert and tls-key: %w", err)}
	}
	return c, nil
}

// serverConfig returns a configuration for HTTP/1.1 only: an HTTP/2 connection cannot
// be hijacked for a WebSocket session.
func (c *certificate) serverConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: c.get}
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < c.recheck {
		return c.pair, nil
	}
	stamp, err := c.stamps()
	if err == nil && stamp == c.stamp {
		c.looked = time.Now()
		return c.pair, nil
	}
	// On an error the old pair stays in use. A renewal may be half done and is looked
	// at again.
	if err := c.loadLocked(); err != nil {
		c.log.Warn("cannot read the changed certificate, using the old one", "error", err)
	} else {
		c.log.Info("certificate read again", "expires", c.pair.Leaf.NotAfter)
	}
	return c.pair, nil
}

// take makes the pair of other, which is of the same files, the one in use. It reports
// whether it is another pair.
func (c *certificate) take(other *certificate) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed = !c.pair.Leaf.Equal(other.pair.Leaf)
	c.pair, c.stamp, c.looked = other.pair, other.stamp, other.looked
	return changed
}

// collector returns a metric for the certificate that is in use.
func (c *certificate) collector() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pigeonhub_certificate_expiry_timestamp_seconds",
		Help: "When the certificate in use expires, in seconds since the Unix epoch.",
	}, func() float64 { return float64(c.expires().Unix()) })
}

func (c *certificate) expires() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pair.Leaf.NotAfter
}

func (c *certificate) load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.loadLocked()
}

func (c *certificate) loadLocked() error {
	c.looked = time.Now()
	stamp, err := c.stamps() // before reading: a change in between is seen the next time
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.pair, c.stamp = &pair, stamp
	return nil
}

func (c *certificate) stamps() (stamp [2]fileStamp, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return stamp, err
		}
		stamp[i] = fileStamp{info.ModTime(), info.Size()}
	}
	return stamp, nil
}
