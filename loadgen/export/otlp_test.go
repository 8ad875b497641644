package export

import (
	"compress/gzip"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/metrics/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/slim/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"
)

// collected is a receiver of OTLP that keeps the last request.
type collected struct {
	header  http.Header
	path    string
	request collector.ExportMetricsServiceRequest
	answer  collector.ExportMetricsServiceResponse
}

func (c *collected) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(in)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		in = z
	}
	body, err := io.ReadAll(in)
	if err == nil {
		err = proto.Unmarshal(body, &c.request)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.header, c.path = r.Header, r.URL.Path
	out, err := proto.Marshal(&c.answer)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(out)
}

// points returns the data points of a request, as series of Prometheus.
func (c *collected) points(t *testing.T) map[string]float64 {
	t.Helper()
	m := map[string]float64{}
	name := func(metric string, labels []*common.KeyValue) string {
		for _, l := range labels[3:] {
			metric += "{" + l.Key + "=" + l.Value.GetStringValue() + "}"
		}
		return metric
	}
	for _, metric := range c.request.ResourceMetrics[0].ScopeMetrics[0].Metrics {
		if s := metric.GetSum(); s != nil && (!s.IsMonotonic || s.AggregationTemporality != otlp.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE) {
			t.Errorf("%s is no cumulative counter", metric.Name)
		}
		for _, p := range slices.Concat(metric.GetSum().GetDataPoints(), metric.GetGauge().GetDataPoints()) {
			m[name(metric.Name, p.Attributes)] = p.GetAsDouble()
			if (metric.GetSum() != nil) != (p.StartTimeUnixNano != 0) {
				t.Errorf("%s began at %d", metric.Name, p.StartTimeUnixNano)
			}
		}
		for _, p := range metric.GetHistogram().GetDataPoints() {
			if len(p.BucketCounts) != len(p.ExplicitBounds)+1 {
				t.Errorf("%s has %d buckets and %d bounds", metric.Name, len(p.BucketCounts), len(p.ExplicitBounds))
			}
			all := uint64(0)
			for _, n := range p.BucketCounts {
				all += n
			}
			m[name(metric.Name+"_count", p.Attributes)], m[name(metric.Name+"_sum", p.Attributes)] = float64(p.Count), p.GetSum()
			if all != p.Count {
				t.Errorf("%s: the buckets have %d of %d", metric.Name, all, p.Count)
			}
		}
	}
	return m
}

func TestOTLP(t *testing.T) {
	t.Parallel()
	for _, compression := range []string{"", "gzip"} {
		t.Run("compression "+compression, func(t *testing.T) {
			t.Parallel()
			c := &collected{}
			server := httptest.NewServer(c)
			defer server.Close()
			sink, err := NewOTLP(OTLPFromEnvironment, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL + "/otlp", "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20hush, x-other = 1",
				"OTEL_EXPORTER_OTLP_COMPRESSION": compression, "OTEL_RESOURCE_ATTRIBUTES": "team=hub,service.name=other", "OTEL_SERVICE_NAME": "nightly"})
			if err != nil {
				t.Fatal(err)
			}
			defer sink.Close()
			sample := Final(time.Now(), new(someResult()))
			if err := sink.Send(t.Context(), sample); err != nil {
				t.Fatal(err)
			}
			got := c.points(t)
			for name, want := range values(t, sample) {
				if v, ok := got[name]; !strings.Contains(name, "_bucket{") && (!ok || v != want) {
					t.Errorf("%s is %v (there: %v), want %v", name, v, ok, want)
				}
			}
			if c.path != "/otlp/v1/metrics" || c.header.Get("Authorization") != "Bearer hush" || c.header.Get("X-Other") != "1" {
				t.Errorf("%s with %v", c.path, c.header)
			}
			process := c.request.ResourceMetrics[0].Resource.Attributes
			if len(process) != 2 || process[0].Value.GetStringValue() != "nightly" || process[1].Key != "team" {
				t.Errorf("the resource is %v", process)
			}
		})
	}
}

func TestOTLPErrors(t *testing.T) {
	t.Parallel()
	checkErrors(t, func(url string) (Sink, error) { return NewOTLP(url, nil) })
	for name, tt := range map[string]struct {
		answer http.Handler
		says   string
	}{
		"a page":      {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>hello</html>") }), "another server"},
		"a part only": {&collected{answer: collector.ExportMetricsServiceResponse{PartialSuccess: &collector.ExportMetricsPartialSuccess{RejectedDataPoints: 3, ErrorMessage: "too old"}}}, "3 data points were rejected: too old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tt.answer)
			defer server.Close()
			sink, err := NewOTLP(server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer sink.Close()
			if err := sink.Send(t.Context(), Final(time.Now(), new(someResult()))); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOTLPVariables(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://a:4318": "http://a:4318/v1/metrics", "http://a:4318/": "http://a:4318/v1/metrics", "https://a/api/v1/otlp": "https://a/api/v1/otlp/v1/metrics", "https://a/v1/metrics": "https://a/v1/metrics",
	} {
		if o, err := NewOTLP(address, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://other"}); err != nil || o.Name() != "OTLP "+want {
			t.Errorf("%s: %v, %v", address, o, err)
		}
	}
	for _, tt := range []struct{ environ, name string }{
		{"", "OTLP http://localhost:4318/v1/metrics"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://a OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://b/as/it/is", "OTLP http://b/as/it/is"},
	} {
		if o, err := NewOTLP(OTLPFromEnvironment, environment(tt.environ)); err != nil || o.Name() != tt.name {
			t.Errorf("%s: %v, %v", tt.environ, o, err)
		}
	}
	o, err := NewOTLP("http://a", environment("OTEL_EXPORTER_OTLP_TIMEOUT=7 OTEL_EXPORTER_OTLP_METRICS_TIMEOUT=1500"))
	if err != nil || o.timeout != 1500*time.Millisecond {
		t.Errorf("%v, %v", o, err)
	}
	for _, bad := range append(badURLs, "") {
		if _, err := NewOTLP(bad, nil); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for environ, names := range map[string]string{
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc": "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TIMEOUT=soon": "_TIMEOUT", "OTEL_EXPORTER_OTLP_COMPRESSION=zip": "_COMPRESSION",
		"OTEL_EXPORTER_OTLP_HEADERS=hush": "_HEADERS", "OTEL_EXPORTER_OTLP_CERTIFICATE=/nowhere": "_CERTIFICATE", "OTEL_RESOURCE_ATTRIBUTES=hush": "OTEL_RESOURCE_ATTRIBUTES",
	} {
		if _, err := NewOTLP("http://a", environment(environ)); err == nil || !strings.Contains(err.Error(), names) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", environ, err)
		}
	}
}

func environment(text string) map[string]string {
	m := map[string]string{}
	for _, pair := range strings.Fields(text) {
		name, value, _ := strings.Cut(pair, "=")
		m[name] = value
	}
	return m
}

// The certificate of the variable is that of the receiver's authority.
func TestOTLPCertificate(t *testing.T) {
	t.Parallel()
	c := &collected{}
	server := httptest.NewUnstartedServer(c)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // one handshake fails
	server.StartTLS()
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		file, says string
	}{{file, ""}, {"", "certificate"}} {
		sink, err := NewOTLP(server.URL, map[string]string{"OTEL_EXPORTER_OTLP_CERTIFICATE": tt.file})
		if err != nil {
			t.Fatal(err)
		}
		err = sink.Send(t.Context(), Final(time.Now(), new(someResult())))
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("certificate %q: %v", tt.file, err)
		}
		sink.Close()
	}
}
