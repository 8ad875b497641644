package export

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/pigeonhub/pigeonhub/loadgen/dial"
)

// OTLP is a receiver of OTLP metrics over HTTP, such as an OpenTelemetry collector.
type OTLP struct {
	url      string
	client   *http.Client
	timeout  time.Duration
	gzip     bool
	resource []Label
}

// NewOTLP returns the receiver at a URL, to which the path /v1/metrics is added unless it ends in
// it. The word OTLPFromEnvironment stands for the URL that the variables name. The standard
// variables OTEL_EXPORTER_OTLP_*, OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES in environ apply
// to everything else.
func NewOTLP(address string, environ map[string]string) (*OTLP, error) {
	v, err := otlpVariables(environ)
	if err != nil {
		return nil, err
	}
	target, err := otlpURL(address, environ)
	if err != nil {
		return nil, err
	}
	return &OTLP{target, newClient(v.headers, v.authorities), v.timeout, v.gzip, v.resource}, nil
}

// Name returns "OTLP" and the URL.
func (o *OTLP) Name() string { return "OTLP " + dial.HideURL(o.url) }

// Close closes idle connections.
func (o *OTLP) Close() { o.client.CloseIdleConnections() }

// Send sends a sample.
func (o *OTLP) Send(ctx context.Context, s Sample) error {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	answer, err := o.post(ctx, encodeOTLP(&s, o.resource))
	switch {
	case errors.Is(err, ErrRefused):
		return fmt.Errorf("%w: %s", ErrRefused, shortened(err))
	case err != nil:
		return errors.New(shortened(err))
	}
	if p := answer.GetPartialSuccess(); p.GetRejectedDataPoints() > 0 {
		return fmt.Errorf("%w: %d data points were rejected: %s", ErrRefused, p.GetRejectedDataPoints(), shortened(errors.New(p.GetErrorMessage())))
	}
	return nil
}

// post posts a message and returns the answer.
func (o *OTLP) post(ctx context.Context, m proto.Message) (*collector.ExportMetricsServiceResponse, error) {
	body, err := proto.Marshal(m)
	if err != nil {
		return nil, err
	}
	if o.gzip {
		body = zipped(body)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	if o.gzip {
		r.Header.Set("Content-Encoding", "gzip")
	}
	a, err := o.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return nil, err
	}
	return parseAnswer(a.StatusCode, a.Status, text)
}

// parseAnswer returns the answer, or what is wrong with it.
func parseAnswer(code int, status string, text []byte) (*collector.ExportMetricsServiceResponse, error) {
	answer := &collector.ExportMetricsServiceResponse{}
	switch {
	case code == http.StatusTooManyRequests, code >= 500:
		return nil, fmt.Errorf("the receiver answered %s: %q", status, printable(text))
	case code/100 != 2:
		return nil, fmt.Errorf("%w: the receiver answered %s: %q", ErrRefused, status, printable(text))
	case proto.Unmarshal(text, answer) != nil:
		return nil, fmt.Errorf("%w: the answer is not one of OTLP, so the URL may be that of another server", ErrRefused)
	}
	return answer, nil
}

// printable returns the begin of an answer, "" if that is binary.
func printable(text []byte) []byte {
	text = text[:min(len(text), 200)]
	if bytes.ContainsFunc(text, func(r rune) bool { return r == '\uFFFD' || r < ' ' && r != '\n' && r != '\r' && r != '\t' }) {
		return nil
	}
	return text
}

// zipped compresses a body.
func zipped(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}
