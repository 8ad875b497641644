package token

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config says which tokens are accepted.
type Config struct {
	KeyFile  string        // a public key or certificate in PEM, or a secret of at least 32 bytes
	JWKS     string        // a JSON Web Key Set: a file, or an https URL; http is for loopback only
	Refresh  time.Duration // how often JWKS is loaded again; default 1h
	Issuer   string        // that iss must be; "" is any
	Audience string        // that aud must have; "" is any
}

// Rules are a Config and the keys in its files. They do not change.
type Rules struct {
	Config
	keys   []key // of KeyFile
	set    []key // of JWKS, if that is a file
	remote bool  // JWKS is a URL
}

// Load checks cfg and reads its files. The rules are nil if cfg accepts no token at all. It loads
// nothing from a URL.
func Load(cfg Config) (*Rules, error) {
	if cfg.KeyFile == "" && cfg.JWKS == "" {
		if cfg.Issuer != "" || cfg.Audience != "" {
			return nil, errors.New("an issuer or audience is set, but no key: no token could be verified")
		}
		return nil, nil
	}
	if cfg.Refresh == 0 {
		cfg.Refresh = time.Hour
	}
	r := &Rules{Config: cfg, remote: strings.Contains(cfg.JWKS, "://")}
	var problems []error
	if cfg.KeyFile != "" {
		k, err := readFile(cfg.KeyFile, parseKey)
		r.keys, problems = []key{k}, append(problems, err)
	}
	if r.remote {
		problems = append(problems, checkURL(cfg.JWKS))
	} else if cfg.JWKS != "" {
		var err error
		r.set, err = readFile(cfg.JWKS, parseSetFile)
		problems = append(problems, err)
	}
	return r, errors.Join(problems...)
}

func parseSetFile(content []byte) ([]key, error) { return parseSet(content, true) }

// readFile parses a file.
func readFile[T any](name string, parse func([]byte) (T, error)) (result T, err error) {
	content, err := os.ReadFile(name)
	if err == nil {
		if result, err = parse(content); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	return result, err
}

// checkURL refuses a URL that another machine could answer in place of the issuer.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return errors.New("the URL of the key set cannot be read")
	}
	addr, _ := netip.ParseAddr(u.Hostname())
	if u.Scheme != "https" && !(u.Scheme == "http" && (addr.IsLoopback() || u.Hostname() == "localhost")) {
		return errors.New("the URL of the key set must be of https")
	}
	return nil
}
