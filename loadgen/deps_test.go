package loadgen

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows names what each package of the load generator may link in: of our module, and
// of others. See the arrows in the design.
var arrows = map[string]struct{ ours, others string }{
	"loadgen":           {"schedule codec dial latency delivery preflight plan results cluster wire hostile probe verdict report units", "websocket hdrhistogram-go profile yaml sys"},
	"loadgen/schedule":  {"wire", "websocket"},
	"loadgen/codec":     {"wire", "websocket"},
	"loadgen/dial":      {"codec wire", "websocket"},
	"loadgen/latency":   {"schedule wire", "websocket hdrhistogram-go"},
	"loadgen/delivery":  {"wire verdict units", "websocket"},
	"loadgen/preflight": {"", ""},
	"loadgen/plan":      {"codec dial latency schedule wire", "websocket hdrhistogram-go yaml"},
	"loadgen/report":    {"schedule codec dial latency delivery preflight plan wire verdict report units", "websocket hdrhistogram-go yaml"},
	"loadgen/cluster":   {"schedule codec dial latency delivery preflight plan results wire verdict report units", "websocket hdrhistogram-go yaml"},
}

// linkable are the packages and modules by the words of arrows.
var linkable = map[string]string{
	"wire":            module + "hub/wire",
	"hostile":         module + "hub/wire/hostile",
	"probe":           module + "harness/probe",
	"verdict":         module + "harness/verdict",
	"report":          module + "harness/verdict/report",
	"units":           module + "harness/verdict/units",
	"websocket":       "github.com/gorilla/websocket",
	"hdrhistogram-go": "github.com/HdrHistogram/hdrhistogram-go",
	"profile":         "github.com/google/pprof/profile",
	"yaml":            "go.yaml.in/yaml/v3",
	"sys":             "golang.org/x/sys/unix",
	"schedule":        module + "loadgen/schedule",
	"codec":           module + "loadgen/codec",
	"dial":            module + "loadgen/dial",
	"latency":         module + "loadgen/latency",
	"plan":            module + "loadgen/plan",
	"results":         module + "loadgen/report",
	"cluster":         module + "loadgen/cluster",
	"preflight":       module + "loadgen/preflight",
	"delivery":        module + "loadgen/delivery",
}

const module = "github.com/pigeonhub/pigeonhub/"

// The load generator speaks to a hub over the wire: it links in neither the hub nor the
// harness that runs hubs in process, no NATS, and nothing that is for tests.
func TestDeps(t *testing.T) {
	t.Parallel()
	for name, may := range arrows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var allowed []string
			for _, word := range strings.Fields(may.ours + " " + may.others) {
				allowed = append(allowed, linkable[word])
			}
			list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if .Standard}}{{else}}+{{end}}{{.ImportPath}}", module+name)
			out, err := list.Output()
			if err != nil {
				t.Fatalf("%v: %v", list, err)
			}
			unused := map[string]bool{}
			for _, path := range allowed {
				unused[path] = path != ""
			}
			delete(unused, "")
			for line := range strings.Lines(string(out)) {
				path, ours := strings.CutPrefix(strings.TrimSpace(line), "+")
				delete(unused, path)
				switch {
				case path == "testing" || strings.HasPrefix(path, "testing/"):
					t.Errorf("%s is linked in", path)
				case ours && path != module+name && !slices.Contains(allowed, path):
					t.Errorf("%s is linked in: see the arrows in the design", path)
				}
			}
			if len(unused) > 0 {
				t.Errorf("not linked in: %v", slices.Collect(maps.Keys(unused)))
			}
		})
	}
}
