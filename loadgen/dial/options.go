package dial

import (
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
)

// Options say how each peer connects. Values of headers and cookies are templates with {id},
// {index} and {network}. The zero value has no options.
type Options struct {
	Headers      []string `yaml:"headers,omitempty" json:"headers,omitempty"`           // "Name: value"
	Cookies      []string `yaml:"cookies,omitempty" json:"cookies,omitempty"`           // "name=value"
	Subprotocols []string `yaml:"subprotocols,omitempty" json:"subprotocols,omitempty"` // the preferred one first

	CA         string `yaml:"ca,omitempty" json:"ca,omitempty"`                   // PEM file of the authorities that check the certificate of the target; "" for those of the system
	Insecure   bool   `yaml:"insecure,omitempty" json:"insecure,omitempty"`       // the certificate is not checked
	ServerName string `yaml:"server_name,omitempty" json:"server_name,omitempty"` // that the certificate must have, and that TLS sends (SNI); "" for the host of the URL

	PEM []byte `yaml:"-" json:"pem,omitempty"` // content of CA, for a worker on another machine
}

var (
	token  = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")
	value  = regexp.MustCompile(`^[\t\x20-\x7e\x80-\xff]*$`)
	octets = regexp.MustCompile(`^[\x20-\x3a\x3c-\x7e]*$`) // of a cookie

	// handshake lists the headers that the handshake itself needs.
	handshake = []string{"Upgrade", "Connection", "Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Extensions"}
)

// Check returns an error if an option is malformed. It reads no file.
func (o Options) Check() error {
	for _, h := range o.Headers {
		if err := checkHeader(h); err != nil {
			return err
		}
	}
	for _, c := range o.Cookies {
		if err := checkCookie(c); err != nil {
			return err
		}
	}
	for _, p := range o.Subprotocols {
		if !token.MatchString(p) {
			return fmt.Errorf("subprotocol %.50q is malformed: it is a name such as mqtt, without spaces and commas", p)
		}
	}
	if o.Insecure && o.CA != "" {
		return errors.New("a CA file and an unchecked certificate (insecure) exclude each other")
	}
	return nil
}

// checkHeader names a malformed header by its name alone, because the value may be a secret.
func checkHeader(line string) error {
	name, text, ok := cutHeader(line)
	switch {
	case !ok || !token.MatchString(name):
		return errors.New("a header is malformed: it is written as 'Name: value'")
	case slices.Contains(handshake, name):
		return fmt.Errorf("header %s belongs to the WebSocket handshake and cannot be set", name)
	case name == "Sec-Websocket-Protocol":
		return fmt.Errorf("header %s is set by a subprotocol (--subprotocol)", name)
	case name == "Cookie":
		return fmt.Errorf("header %s is set by a cookie (--cookie)", name)
	}
	return checkValue("header "+name, text, value)
}

func checkCookie(pair string) error {
	name, text, ok := strings.Cut(pair, "=")
	if !ok || !token.MatchString(name) {
		return errors.New("a cookie is malformed: it is written as name=value")
	}
	return checkValue("cookie "+name, text, octets)
}

func checkValue(of, text string, form *regexp.Regexp) error {
	switch {
	case text == hidden:
		return fmt.Errorf("%s: its value was left out when it was printed: give it again", of)
	case !form.MatchString(text):
		return fmt.Errorf("%s: its value has a character that is not allowed", of)
	}
	if err := codec.CheckTemplate(text, "{id}", "{index}", "{network}"); err != nil {
		return fmt.Errorf("%s: %w", of, err)
	}
	return nil
}

// cutHeader splits a header into its canonical name and its value.
func cutHeader(line string) (name, text string, ok bool) {
	name, text, ok = strings.Cut(line, ":")
	return textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(text), ok
}

// With returns the options to which those of p were added. A header or cookie of p replaces the
// ones of the same name.
func (o Options) With(p Options) Options {
	o.Headers = replace(o.Headers, p.Headers, func(s string) string { name, _, _ := cutHeader(s); return name })
	o.Cookies = replace(o.Cookies, p.Cookies, func(s string) string { name, _, _ := strings.Cut(s, "="); return name })
	if len(p.Subprotocols) > 0 {
		o.Subprotocols = p.Subprotocols
	}
	if p.CA != "" || p.Insecure {
		o.CA, o.PEM, o.Insecure = p.CA, p.PEM, p.Insecure
	}
	if p.ServerName != "" {
		o.ServerName = p.ServerName
	}
	return o
}

// replace returns the old entries whose names no new entry has, and the new ones.
func replace(old, by []string, nameOf func(string) string) []string {
	named := func(name string) bool {
		return slices.ContainsFunc(by, func(s string) bool { return nameOf(s) == name })
	}
	kept := slices.DeleteFunc(slices.Clone(old), func(s string) bool { return named(nameOf(s)) })
	return append(kept, by...)
}
