package export

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// The exporter links in the load generator, and of others what encodes messages: no gRPC, no NATS,
// no exporter with queues of its own.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Others(t, "github.com/HdrHistogram/hdrhistogram-go", "github.com/google/pprof", "github.com/gorilla/websocket", "github.com/klauspost/compress", "github.com/prometheus/client_golang/exp",
		"go.opentelemetry.io/proto/slim/otlp", "go.yaml.in/yaml/v3", "golang.org/x/sys", "google.golang.org/protobuf")
	deptest.Never(t, "testing", "github.com/pigeonhub/pigeonhub/hub/admin", "github.com/pigeonhub/pigeonhub/hub/hubtest", "github.com/pigeonhub/pigeonhub/loadgen/agents")
}
