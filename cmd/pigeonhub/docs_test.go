package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The commands in the documents that run tests by name find tests.
func TestDocumentedTestsExist(t *testing.T) {
	t.Parallel()
	command := regexp.MustCompile("go test (?:-\\S+ )*\\./(\\S+) -run ('[^']+'|[^\\s`]+)")
	for _, document := range []string{"README.md", "OPERATING.md", "SECURITY.md"} {
		for _, m := range command.FindAllStringSubmatch(string(readFile(t, document)), -1) {
			tests := testsOf(t, filepath.Join("../..", m[1]))
			for alternative := range strings.SplitSeq(strings.Trim(strings.ReplaceAll(m[2], `\|`, "|"), "'"), "|") {
				if alternative != "^$" && !regexp.MustCompile(alternative).MatchString(tests) {
					t.Errorf("%s: %s finds no test for %q", document, m[0], alternative)
				}
			}
		}
	}
}

// Examples in YAML are well-formed.
func TestDocumentedYAML(t *testing.T) {
	t.Parallel()
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	for _, document := range []string{"README.md", "OPERATING.md", "../loadgen/CI.md"} {
		found := block.FindAllSubmatch(readFile(t, document), -1)
		if len(found) == 0 {
			t.Errorf("%s has no YAML", document)
		}
		for _, m := range found {
			if err := parseYAML(m[1]); err != nil {
				t.Errorf("%s: %v in\n%s", document, err, m[1])
			}
		}
	}
}

// testsOf returns the names of the tests of a package, a line each.
func testsOf(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests: %v", dir, err)
	}
	var names strings.Builder
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names.WriteString(f.Name.Name + "\n")
			}
		}
	}
	return names.String()
}
