package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Metrics reads a page in the text format of Prometheus or OpenMetrics. Names are those of the
// page, with sorted labels:
//
//	hub_sessions
//	hub_dropped_total{reason="other_network"}
//
// If a series occurs twice, the last value counts. Metrics skips infinite values, NaN, timestamps
// and exemplars. A line that does not parse is an error, and so is a page without a sample, because
// a truncated or wrong page must not look like a quiet process.
func (c Client) Metrics(ctx context.Context, url string) (map[string]float64, error) {
	b, err := c.get(ctx, url, "text/plain;version=0.0.4")
	if err != nil {
		return nil, fmt.Errorf("probe: metrics: %w", err)
	}
	reading, err := parseMetrics(string(b))
	if err != nil {
		return nil, fmt.Errorf("probe: metrics: %s: %w", redacted(url), err)
	}
	return reading, nil
}

func parseMetrics(page string) (map[string]float64, error) {
	reading := map[string]float64{}
	samples, n := 0, 0
	for line := range strings.Lines(page) {
		n++
		line = strings.Trim(line, " \t\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, err := parseSample(line)
		if err != nil {
			return nil, fmt.Errorf("line %d %.60q: %w", n, line, err)
		}
		samples++
		if !math.IsNaN(value) && !math.IsInf(value, 0) {
			reading[name] = value
		}
	}
	if samples == 0 {
		return nil, errors.New("no sample in it")
	}
	return reading, nil
}

// parseSample parses a line: a name, labels, a value, and optionally a timestamp and an exemplar.
func parseSample(line string) (name string, value float64, err error) {
	end := strings.IndexAny(line, "{ \t")
	if end < 0 {
		return "", 0, errors.New("no value")
	}
	name, rest := line[:end], strings.TrimLeft(line[end:], " \t")
	var labels []string
	var quoted string
	if after, ok := strings.CutPrefix(rest, "{"); ok {
		if quoted, labels, rest, err = parseLabels(after); err != nil {
			return "", 0, err
		}
	}
	if isName(name) == (quoted != "") || name != "" && quoted != "" {
		return "", 0, errors.New("no name, or two")
	}
	name = cmp.Or(quoted, name)
	fields := strings.Fields(rest)
	if len(fields) == 0 || fields[0] == "#" {
		return "", 0, errors.New("no value")
	}
	if len(fields) > 1 && fields[1] != "#" {
		if _, err := strconv.ParseFloat(fields[1], 64); err != nil || len(fields) > 2 && fields[2] != "#" {
			return "", 0, errors.New("neither a timestamp nor an exemplar follows the value")
		}
	}
	value, err = strconv.ParseFloat(fields[0], 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return "", 0, errors.New("the value is not a number")
	}
	return seriesName(name, labels), value, nil
}

// seriesName returns the name of a series. A quoted name is inside of the braces, as in the format.
func seriesName(name string, labels []string) string {
	slices.Sort(labels)
	if name[0] == '"' {
		labels, name = slices.Insert(labels, 0, name), ""
	}
	if len(labels) == 0 {
		return name
	}
	return name + "{" + strings.Join(labels, ",") + "}"
}

// parseLabels parses the text after an opening brace: an optional quoted name, and labels.
func parseLabels(s string) (quoted string, labels []string, rest string, err error) {
	for {
		s = strings.TrimLeft(s, " \t")
		switch {
		case s == "":
			return "", nil, "", errors.New("the labels do not end")
		case s[0] == '}':
			return quoted, labels, s[1:], nil
		case s[0] == '"' && quoted == "" && labels == nil && !strings.HasPrefix(afterQuoted(s), "="):
			quoted, s, err = cutQuoted(s)
		default:
			var label string
			label, s, err = parseLabel(s)
			labels = append(labels, label)
		}
		if err != nil {
			return "", nil, "", err
		}
		s = strings.TrimLeft(s, " \t")
		if after, ok := strings.CutPrefix(s, ","); ok {
			s = after
		} else if !strings.HasPrefix(s, "}") {
			return "", nil, "", errors.New("neither a comma nor a brace follows a label")
		}
	}
}

// parseLabel parses name="value".
func parseLabel(s string) (label, rest string, err error) {
	var name string
	if s[0] == '"' {
		name, s, err = cutQuoted(s)
	} else {
		i := max(0, strings.IndexByte(s, '='))
		name, s = strings.TrimRight(s[:i], " \t"), s[i:]
		if !isName(name) {
			err = errors.New("a label has no name")
		}
	}
	if err != nil {
		return "", "", err
	}
	s, ok := strings.CutPrefix(strings.TrimLeft(s, " \t"), "=")
	if !ok {
		return "", "", errors.New("a label has no value")
	}
	value, rest, err := cutQuoted(strings.TrimLeft(s, " \t"))
	return name + "=" + value, rest, err
}

// cutQuoted splits off a quoted text, with its escapes: \\, \" and \n.
func cutQuoted(s string) (quoted, rest string, err error) {
	if s == "" || s[0] != '"' {
		return "", "", errors.New("a quote is missing")
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i+1], s[i+1:], nil
		}
	}
	return "", "", errors.New("a quote is not closed")
}

func afterQuoted(s string) string {
	_, rest, _ := cutQuoted(s)
	return strings.TrimLeft(rest, " \t")
}

// isName reports whether a text is a valid name of a metric or label.
func isName(s string) bool {
	for i, c := range []byte(s) {
		digit := '0' <= c && c <= '9'
		if c != '_' && c != ':' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (!digit || i == 0) {
			return false
		}
	}
	return s != ""
}
