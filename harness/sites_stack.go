package harness

import (
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// packageOf returns the import path in a function's name as runtime.Func has it.
func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	path, _, _ := strings.Cut(function[slash:], ".")
	// Dots in the last element are escaped, so that the first one ends it.
	return function[:slash] + strings.ReplaceAll(path, "%2e", ".")
}

// inPackages reports whether the function is in one of the packages or below.
func inPackages(function string, packages []string) bool {
	path := packageOf(function)
	for _, p := range packages {
		if rest, ok := strings.CutPrefix(path, p); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

func isRuntime(function string) bool {
	return strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "internal/runtime/")
}

// standardRoot is the folder of the standard library's source, as stacks name it;
// empty in a program built with -trimpath.
var standardRoot = func() string {
	pc := reflect.ValueOf(strings.Index).Pointer()
	file, _ := runtime.FuncForPC(pc).FileLine(pc)
	root, _ := strings.CutSuffix(file, "strings/strings.go")
	return root
}()

// isStandard reports whether a frame is in the standard library.
func isStandard(s verdict.Site) bool {
	if standardRoot != "" {
		return strings.HasPrefix(s.File, standardRoot)
	}
	path := packageOf(s.Function)
	first, _, _ := strings.Cut(path, "/")
	return path != "main" && !strings.Contains(first, ".")
}

// isDependency reports whether a frame is in a module at a version, or vendored.
func isDependency(s verdict.Site) bool {
	return strings.Contains(s.File, "@v") || strings.Contains(s.File, "/vendor/")
}

// ownFrame returns the index of the innermost frame of the project's own code;
// if there is none, of a dependency's; if there is none, 0. It is the line that
// somebody can do something about.
func ownFrame(stack []verdict.Site) int {
	best := -1
	for i, s := range stack {
		if isStandard(s) {
			continue
		}
		if !isDependency(s) {
			return i
		}
		if best < 0 {
			best = i
		}
	}
	return max(best, 0)
}

// callerOf returns the nearest frame outside of the place's package that is neither
// the library's nor ours, if there is one.
func callerOf(stack []verdict.Site, place verdict.Site) verdict.Site {
	i := slices.Index(stack, place)
	for _, s := range stack[i+1:] {
		if p := packageOf(s.Function); p != packageOf(place.Function) && !isOwn(s.Function) && !isStandard(s) {
			return s
		}
	}
	return verdict.Site{}
}

// stackText writes a stack for a person: a frame a line, innermost first.
func stackText(stack []verdict.Site) string {
	var b strings.Builder
	for i, s := range stack {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(s.String())
	}
	return b.String()
}
