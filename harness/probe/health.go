package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Health reads the numbers of the /health page of a PeerPigeon hub, or of any page that is a JSON
// object. Numbers in nested objects have a name with dots ("memory.heapUsed"). Health skips other
// values and arrays. A page without a number is an error.
func (c Client) Health(ctx context.Context, url string) (map[string]float64, error) {
	b, err := c.get(ctx, url, "application/json")
	if err != nil {
		return nil, fmt.Errorf("probe: health: %w", err)
	}
	reading, err := parseHealth(b)
	if err != nil {
		return nil, fmt.Errorf("probe: health: %s: %w", redacted(url), err)
	}
	return reading, nil
}

func parseHealth(b []byte) (map[string]float64, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var page map[string]any
	if err := d.Decode(&page); err != nil {
		return nil, fmt.Errorf("no JSON object: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more text after the JSON object")
	}
	reading := map[string]float64{}
	addNumbers(reading, "", page)
	if len(reading) == 0 {
		return nil, errors.New("no number in it")
	}
	return reading, nil
}

// addNumbers adds the numbers of an object. If two have one name ("a.b" and b in a), the last one in
// the order of keys counts.
func addNumbers(reading map[string]float64, prefix string, object map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		switch v := object[key].(type) {
		case json.Number:
			if f, err := v.Float64(); err == nil { // 1e999 does not fit
				reading[prefix+key] = f
			}
		case map[string]any:
			addNumbers(reading, prefix+key+".", v)
		}
	}
}
