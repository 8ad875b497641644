package export

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// OTLPFromEnvironment stands for the URL that OTEL_EXPORTER_OTLP_METRICS_ENDPOINT or
// OTEL_EXPORTER_OTLP_ENDPOINT names, by default that of a collector on this machine.
const OTLPFromEnvironment = "env"

const (
	otlpVariable = "OTEL_EXPORTER_OTLP_"
	metricsPath  = "/v1/metrics"
	defaultOTLP  = "http://localhost:4318"
)

// variables are the settings that the environment has for OTLP.
type variables struct {
	headers     http.Header
	timeout     time.Duration
	gzip        bool
	authorities *x509.CertPool // nil for those of the system
	resource    []Label
}

// metricsURL returns the URL for metrics of a receiver.
func metricsURL(address string) (string, error) {
	u, err := receiverURL(address)
	if err != nil {
		return "", err
	}
	if !strings.HasSuffix(u.Path, metricsPath) {
		u = u.JoinPath(metricsPath)
	}
	return u.String(), nil
}

// otlpVariables reads the standard variables. One for metrics precedes the one for all signals.
func otlpVariables(environ map[string]string) (v variables, err error) {
	for _, s := range []struct {
		name string
		read func(value string) error
	}{
		{"PROTOCOL", func(value string) error { return oneOf(value, "", "http/protobuf") }},
		{"HEADERS", func(value string) error { v.headers, err = otlpHeaders(value); return err }},
		{"TIMEOUT", func(value string) error { v.timeout, err = otlpTimeout(value); return err }},
		{"COMPRESSION", func(value string) error { v.gzip = value == "gzip"; return oneOf(value, "", "gzip", "none") }},
		{"CERTIFICATE", func(value string) error { v.authorities, err = authorities(value); return err }},
	} {
		value := cmp.Or(environ[otlpVariable+"METRICS_"+s.name], environ[otlpVariable+s.name])
		if err := s.read(value); err != nil {
			return v, fmt.Errorf("%s%s: %w", otlpVariable, s.name, err)
		}
	}
	if v.resource, err = otlpResource(environ); err != nil {
		return v, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return v, nil
}

func oneOf(value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%.40q is not known, must be%s", value, strings.Join(known, " "))
}

// otlpURL returns the URL for metrics: that of an address, or of the variables if the address is
// OTLPFromEnvironment. The variable for metrics is taken as it is.
func otlpURL(address string, environ map[string]string) (string, error) {
	if address != OTLPFromEnvironment {
		return metricsURL(address)
	}
	if whole := environ[otlpVariable+"METRICS_ENDPOINT"]; whole != "" {
		u, err := receiverURL(whole)
		if err != nil {
			return "", err
		}
		return u.String(), nil
	}
	return metricsURL(cmp.Or(environ[otlpVariable+"ENDPOINT"], defaultOTLP))
}

// otlpHeaders parses "name=value,name=value", with values escaped as in URLs. Errors show no value.
func otlpHeaders(text string) (http.Header, error) {
	h := http.Header{}
	err := eachPair(text, func(name, value string) error {
		name, value, err := ParseHeader(name + ":" + value)
		h.Add(name, value)
		return err
	})
	return h, err
}

func otlpTimeout(text string) (time.Duration, error) {
	if text == "" {
		return pushTimeout, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 || n > int(time.Hour/time.Millisecond) {
		return 0, fmt.Errorf("%.40q is no number of milliseconds", text)
	}
	return time.Duration(n) * time.Millisecond, nil
}

// authorities reads a PEM file, nil for none.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%s has no certificate in PEM form", file)
	}
	return pool, nil
}

// otlpResource returns the attributes of the process. OTEL_SERVICE_NAME precedes what
// OTEL_RESOURCE_ATTRIBUTES says of the name.
func otlpResource(environ map[string]string) ([]Label, error) {
	name, list := job, []Label(nil)
	err := eachPair(environ["OTEL_RESOURCE_ATTRIBUTES"], func(key, value string) error {
		if key == "service.name" {
			name = value
		} else {
			list = append(list, Label{key, value})
		}
		return nil
	})
	return append([]Label{{"service.name", cmp.Or(environ["OTEL_SERVICE_NAME"], name)}}, list...), err
}

// eachPair calls yield with the pairs of "name=value,name=value".
func eachPair(text string, yield func(name, value string) error) error {
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !ok || name == "" || err != nil {
			return errors.New("it is no list of name=value, separated by commas")
		}
		if err := yield(name, value); err != nil {
			return err
		}
	}
	return nil
}
