package report_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// schema checks values against as much of JSON Schema as report.Schema uses, and
// panics at a keyword that it does not know.
type schema struct{ defs map[string]any }

func loadSchema() (schema, map[string]any) {
	var root map[string]any
	if err := json.Unmarshal(report.Schema, &root); err != nil {
		panic(err)
	}
	return schema{root["$defs"].(map[string]any)}, root
}

func (s schema) check(at string, rules map[string]any, value any) (wrong []string) {
	bad := func(format string, args ...any) { wrong = append(wrong, at+": "+fmt.Sprintf(format, args...)) }
	for _, keyword := range slices.Sorted(maps.Keys(rules)) {
		rule := rules[keyword]
		switch keyword {
		case "$schema", "$id", "$defs", "title", "description", "additionalProperties":
		case "$ref":
			def := s.defs[strings.TrimPrefix(rule.(string), "#/$defs/")]
			wrong = append(wrong, s.check(at, def.(map[string]any), value)...)
		case "type":
			if !isOfType(rule, value) {
				bad("%v is no %v", value, rule)
			}
		case "const":
			if value != rule {
				bad("%v is not %v", value, rule)
			}
		case "enum":
			if !slices.Contains(rule.([]any), value) {
				bad("%v is none of %v", value, rule)
			}
		case "pattern":
			if text, ok := value.(string); !ok || !regexp.MustCompile(rule.(string)).MatchString(text) {
				bad("%v does not match %v", value, rule)
			}
		case "format":
			if _, err := time.Parse(time.RFC3339, fmt.Sprint(value)); err != nil {
				bad("%v", err)
			}
		case "minimum":
			if n, ok := value.(float64); ok && n < rule.(float64) {
				bad("%v is below %v", n, rule)
			}
		case "minItems":
			if list, ok := value.([]any); ok && float64(len(list)) < rule.(float64) {
				bad("%d items are below %v", len(list), rule)
			}
		case "items":
			list, _ := value.([]any)
			for i, item := range list {
				wrong = append(wrong, s.check(fmt.Sprintf("%s[%d]", at, i), rule.(map[string]any), item)...)
			}
		case "required":
			for _, name := range rule.([]any) {
				if _, ok := value.(map[string]any)[name.(string)]; !ok {
					bad("%v is missing", name)
				}
			}
		case "properties":
			wrong = append(wrong, s.properties(at, rules, value)...)
		default:
			panic("the test knows no " + keyword)
		}
	}
	if _, ok := rules["properties"]; !ok {
		wrong = append(wrong, s.properties(at, rules, value)...)
	}
	return wrong
}

func (s schema) properties(at string, rules map[string]any, value any) (wrong []string) {
	object, _ := value.(map[string]any)
	known, _ := rules["properties"].(map[string]any)
	for name, v := range object {
		if rule, ok := known[name]; ok {
			wrong = append(wrong, s.check(at+"."+name, rule.(map[string]any), v)...)
			continue
		}
		switch more := rules["additionalProperties"].(type) {
		case map[string]any:
			wrong = append(wrong, s.check(at+"."+name, more, v)...)
		case bool:
			if !more {
				wrong = append(wrong, at+"."+name+" is not in the schema")
			}
		}
	}
	return wrong
}

func isOfType(rule, value any) bool {
	if several, ok := rule.([]any); ok {
		return slices.ContainsFunc(several, func(r any) bool { return isOfType(r, value) })
	}
	switch v := value.(type) {
	case nil:
		return rule == "null"
	case string:
		return rule == "string"
	case bool:
		return rule == "boolean"
	case []any:
		return rule == "array"
	case map[string]any:
		return rule == "object"
	case float64:
		return rule == "number" || rule == "integer" && v == float64(int64(v))
	}
	return false
}

// invalidJSON says what of a written verdict is not as the schema has it.
func invalidJSON(written []byte) []string {
	var value any
	if err := json.Unmarshal(written, &value); err != nil {
		return []string{err.Error()}
	}
	s, root := loadSchema()
	return s.check("verdict", root, value)
}
