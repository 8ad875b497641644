package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fileValue is the text of a setting in the configuration file, and its place: file:line.
type fileValue struct{ text, from string }

// readFile reads the configuration file: YAML, a mapping from names of settings to values.
// It returns all problems, each with file and line. None quotes a value, because it may be
// a secret.
func (c *config) readFile() (values map[string]fileValue, problems []error) {
	if c.file == "" {
		return nil, nil
	}
	content, err := os.ReadFile(c.file)
	if err != nil {
		return nil, []error{fmt.Errorf("config: %w", err)}
	}
	root, err := parseFile(content)
	if err != nil {
		return nil, []error{fmt.Errorf("%s:%w", c.file, err)}
	}
	values = make(map[string]fileValue)
	for i := 0; root != nil && i+1 < len(root.Content); i += 2 {
		key, node := root.Content[i], root.Content[i+1]
		from := fmt.Sprintf("%s:%d", c.file, key.Line)
		text, err := c.fileText(key, node)
		if first, twice := values[key.Value]; twice && err == nil {
			err = fmt.Errorf("%s is there already, at %s", key.Value, first.from)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", from, err))
			continue
		}
		values[key.Value] = fileValue{text, from}
	}
	return values, problems
}

var (
	yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)
	anchored = regexp.MustCompile(`[:-]\s+[*&]`)
)

// parseFile returns the mapping of a file, or nil if the file is empty. An error begins with
// the number of the line.
func parseFile(content []byte) (*yaml.Node, error) {
	var document, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err == nil {
		root := document.Content[0]
		switch err = decoder.Decode(&more); {
		case err == nil:
			return nil, fmt.Errorf("%d: a second document begins", more.Line)
		case errors.Is(err, io.EOF) && (root.Kind == yaml.MappingNode || root.Tag == "!!null"):
			return root, nil
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%d: must be lines such as \"port: 3000\"", root.Line)
		}
	}
	if strings.Contains(err.Error(), "anchor") { // the name of the anchor may be a secret
		line := 1
		if at := anchored.FindIndex(content); at != nil {
			line += bytes.Count(content[:at[0]], []byte("\n"))
		}
		return nil, fmt.Errorf("%d: a value that begins with * or & must be in quotes", line)
	}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		return nil, errors.New(m[1] + ": " + err.Error()[len(m[0]):])
	}
	return nil, fmt.Errorf(" %w", err)
}

// fileText returns the value of a key as the text that its flag would have. The items of a
// sequence have commas between them.
func (c *config) fileText(key, node *yaml.Node) (string, error) {
	s := c.setting(key.Value)
	switch {
	case key.Kind != yaml.ScalarNode || s == nil || s.name == "config":
		return "", fmt.Errorf("there is no setting %.50q", key.Value)
	case node.Kind == yaml.ScalarNode && node.Tag != "!!null":
		return strings.TrimSpace(node.Value), nil
	case node.Kind == yaml.SequenceNode && s.list:
		var items []string
		for _, item := range node.Content {
			if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
				return "", fmt.Errorf("%s must be a list of single values", key.Value)
			}
			items = append(items, item.Value)
		}
		return strings.Join(items, ","), nil
	}
	return "", fmt.Errorf("%s is %s, must be %s", key.Value, kinds[node.Kind], s.value.allowed)
}

// kinds names the kinds of nodes for errors. A scalar gets there only if it has no value.
var kinds = map[yaml.Kind]string{
	yaml.ScalarNode: "empty", yaml.SequenceNode: "a list", yaml.MappingNode: "a mapping", yaml.AliasNode: "an alias",
}
