package admin_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Answers of the reference server, recorded 2026-11-23 from peerpigeon 1.1.3.
const (
	recordedHealth = `{"status":"healthy","timestamp":"2026-11-23T10:20:16.135Z","uptime":2.468312971,"isHub":false,"connections":2,"peers":2,"hubs":1,"networks":3,"memory":{"rss":67497984,"heapTotal":17793024,"heapUsed":9684216,"external":2584647,"arrayBuffers":326177}}`
	recordedHubs   = `{"timestamp":"2026-11-23T10:20:16.135Z","totalHubs":1,"hubs":[{"peerId":"1111111111111111111111111111111111111111","registeredAt":1795429216135,"lastActivity":1795429216135,"networkName":"pigeonhub-mesh","data":{"isHub":true},"connectedAt":1795429216131}]}`
	recordedNoHubs = `{"timestamp":"2026-11-23T10:20:16.135Z","totalHubs":0,"hubs":[]}`
)

// shape returns the pattern of all answers that differ from the recorded one in
// numbers and times only, byte for byte otherwise.
func shape(recorded string) *regexp.Regexp {
	p := regexp.QuoteMeta(recorded)
	p = regexp.MustCompile(`"[\d-]+T[\d:]+\\\.\d{3}Z"`).ReplaceAllLiteralString(p, `"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`)
	p = regexp.MustCompile(`:\d+\\\.\d+`).ReplaceAllLiteralString(p, `:\d+(\.\d+)?(e-\d+)?`)
	p = regexp.MustCompile(`:\d+`).ReplaceAllLiteralString(p, `:\d+`)
	return regexp.MustCompile(`^` + p + `$`)
}

// keys returns the keys of a JSON text in the order they stand in it.
func (w *world) keys(text string) []string {
	w.Helper()
	var keys []string
	type level struct{ object, wantsKey bool }
	var stack []level
	for dec := json.NewDecoder(strings.NewReader(text)); dec.More() || len(stack) > 0; {
		token, err := dec.Token()
		if err != nil {
			w.Fatalf("%s: %v", text, err)
		}
		if n := len(stack); n > 0 && stack[n-1].object {
			if key, ok := token.(string); ok && stack[n-1].wantsKey {
				keys = append(keys, key)
				stack[n-1].wantsKey = false
				continue
			}
			stack[n-1].wantsKey = true
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{true, true})
		case json.Delim('['):
			stack = append(stack, level{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
	}
	return keys
}

func TestHealthIsAsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	before := time.Now()
	got := w.get("/health").body
	if !shape(recordedHealth).MatchString(got) {
		t.Errorf("got\n%s, want the form of\n%s", got, recordedHealth)
	}
	if keys, want := w.keys(got), w.keys(recordedHealth); !slices.Equal(keys, want) {
		t.Errorf("fields are %v, want %v", keys, want)
	}
	var v struct {
		Timestamp time.Time
		Uptime    float64
		Memory    struct{ RSS, HeapTotal, HeapUsed, External, ArrayBuffers int64 }
	}
	if err := json.Unmarshal([]byte(got), &v); err != nil {
		t.Fatal(err)
	}
	if off := v.Timestamp.Sub(before); off < -time.Second || off > 10*time.Second {
		t.Errorf("timestamp %v is %v off", v.Timestamp, off)
	}
	if v.Uptime <= 0 || v.Uptime > 3600 {
		t.Errorf("uptime is %v, want seconds", v.Uptime)
	}
	if m := v.Memory; m.HeapUsed < 1<<10 || m.HeapTotal < m.HeapUsed || m.RSS < 1<<20 || m.External != 0 || m.ArrayBuffers != 0 {
		t.Errorf("memory is %+v", m)
	}
}

// A peer that has not yet announced is counted, a peer that was refused is not.
func TestHealthCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{IsHub: true, HubPeerIDs: []wire.PeerID{digits("1")}}, admin.PublicConfig{})
	w.connect("/", digits("a"))
	b := w.connect("/", digits("b"))
	w.raw(b, `{"type":"announce","data":{},"networkName":"n1"}`)
	h := w.connect("/", digits("1"))
	w.raw(h, `{"type":"announce","data":{"isHub":true},"networkName":"pigeonhub-mesh"}`)
	if got, want := w.get("/health").body, `"isHub":true,"connections":3,"peers":3,"hubs":1,"networks":2,`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s in it", got, want)
	}
}

// Data comes back spelled as it was sent: neither escaped for HTML nor sorted
// nor with other numbers.
func TestHubsAreAsRecorded(t *testing.T) {
	t.Parallel()
	ids := []wire.PeerID{digits("1"), digits("2")}
	w := newWorld(t, hub.Config{HubPeerIDs: ids}, admin.PublicConfig{})
	if got := w.get("/hubs").body; !shape(recordedNoHubs).MatchString(got) {
		t.Errorf("got %s, want the form of %s", got, recordedNoHubs)
	}
	first := w.connect("/", ids[0])
	w.raw(first, `{"type":"announce","data":{"isHub":true},"networkName":"pigeonhub-mesh"}`)
	if got := w.get("/hubs").body; !shape(recordedHubs).MatchString(got) {
		t.Errorf("got\n%s, want the form of\n%s", got, recordedHubs)
	}
	const data = `{"z":"<b>&\u00e9\ud800","isHub":true,"a":[1.50,12345678901234567890,{"port":3000}]}`
	second := w.connect("/", ids[1])
	w.raw(second, fmt.Sprintf(`{"type":"announce","data":%s,"networkName":"pigeonhub-mesh"}`, data))
	got := w.get("/hubs").body
	if !strings.Contains(got, `"networkName":"pigeonhub-mesh","data":`+data+`,"connectedAt":`) {
		t.Errorf("got %s, want data %s", got, data)
	}
	if !strings.Contains(got, `"totalHubs":2`) || strings.Index(got, string(ids[0])) > strings.Index(got, string(ids[1])) {
		t.Errorf("got %s, want both hubs, first come first", got)
	}
}
