package wire_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Forms of references to PROTOCOL.md.
var (
	headings = regexp.MustCompile(`(?m)^###? (\d+(?:\.\d+)?)\.? `)
	defects  = regexp.MustCompile(`(?m)^\| ([WGP]\d+) \| .* \| (.*) \|$`)
	testName = regexp.MustCompile("`(Test\\w+)`")

	sectionRefs = regexp.MustCompile(`(?i)protocol(?:\.md)? section (\d+(?:\.\d+)?)`)
	checkRefs   = regexp.MustCompile(`newCheck\("[^"]+", "(\d+(?:\.\d+)?)"`)
	defectRefs  = regexp.MustCompile(`\b([WG][1-9]\d?|P[1-5])\b`)
	testDecls   = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	testDefects = regexp.MustCompile(`^Test((?:[WG]\d+)+)`)
)

// Each section and defect that the code refers to is in PROTOCOL.md, each test that
// PROTOCOL.md names exists, and each test named after a defect stands beside it.
func TestProtocolReferences(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	sections, heldBy := map[string]bool{}, map[string]string{}
	for _, m := range headings.FindAllStringSubmatch(text, -1) {
		sections[m[1]] = true
	}
	for _, m := range defects.FindAllStringSubmatch(text, -1) {
		heldBy[m[1]] = m[2]
	}
	if len(sections) < 20 || len(heldBy) < 70 {
		t.Fatalf("PROTOCOL.md has %d sections and %d defects: the test does not read it rightly", len(sections), len(heldBy))
	}
	declared := map[string]bool{}
	for file, source := range goFiles(t) {
		for _, m := range slices.Concat(sectionRefs.FindAllStringSubmatch(source, -1), checkRefs.FindAllStringSubmatch(source, -1)) {
			if !sections[m[1]] {
				t.Errorf("%s refers to protocol section %s, which PROTOCOL.md does not have", file, m[1])
			}
		}
		for _, m := range testDecls.FindAllStringSubmatch(source, -1) {
			declared[m[1]] = true
		}
		if !strings.HasPrefix(file, "hub/") && !strings.HasPrefix(file, "cmd/pigeonhub/") {
			continue // other folders number other things
		}
		for _, m := range defectRefs.FindAllStringSubmatch(source, -1) {
			if heldBy[m[1]] == "" {
				t.Errorf("%s refers to %s, which PROTOCOL.md does not have", file, m[1])
			}
		}
	}
	for _, m := range testName.FindAllStringSubmatch(text, -1) {
		if !declared[m[1]] {
			t.Errorf("PROTOCOL.md names %s, which no file declares", m[1])
		}
	}
	wantTestsNamed(t, slices.Sorted(maps.Keys(declared)), heldBy)
}

func wantTestsNamed(t *testing.T, tests []string, heldBy map[string]string) {
	t.Helper()
	number := regexp.MustCompile(`[WG]\d+`)
	for _, test := range tests {
		m := testDefects.FindStringSubmatch(test)
		if m == nil {
			continue
		}
		for _, defect := range number.FindAllString(m[1], -1) {
			if !strings.Contains(heldBy[defect], "`"+test+"`") {
				t.Errorf("PROTOCOL.md does not name %s beside %s", test, defect)
			}
		}
	}
}

// goFiles returns the Go sources of the repository by path.
func goFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := os.DirFS(filepath.Join("..", ".."))
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		b, err := fs.ReadFile(root, path)
		files[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
