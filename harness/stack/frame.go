// Package stack classifies the frames of a stack: of the project, of a dependency, of the standard
// library, or of the harness itself.
//
//	frames, creator := stack.Parse(block) // of runtime.Stack
//	line := frames[stack.ProjectFrame(frames)]
//
// frame.go classifies frames, instrument.go has the packages of the harness, and parse.go parses
// the text of stacks.
package stack

import (
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// PackageOf returns the import path in the name of a function, as runtime.Func has it.
func PackageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	last, _, _ := strings.Cut(function[slash:], ".")
	// Dots in the last element are escaped, so the first one ends it.
	if !strings.Contains(last, "%2e") {
		return function[:slash+len(last)]
	}
	return function[:slash] + strings.ReplaceAll(last, "%2e", ".")
}

// InPackages reports whether a function is in one of the packages or below.
func InPackages(function string, packages []string) bool {
	path := PackageOf(function)
	for _, p := range packages {
		if rest, ok := strings.CutPrefix(path, p); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// IsRuntime reports whether a function belongs to the runtime.
func IsRuntime(function string) bool {
	return strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "internal/runtime/")
}

// StandardRoot is the folder of the standard library's source in stacks, "" in a program built
// with -trimpath.
var StandardRoot = func() string {
	pc := reflect.ValueOf(strings.Index).Pointer()
	file, _ := runtime.FuncForPC(pc).FileLine(pc)
	root, _ := strings.CutSuffix(file, "strings/strings.go")
	return root
}()

// IsStandard reports whether a frame is in the standard library.
func IsStandard(s verdict.Site) bool {
	if StandardRoot != "" {
		return strings.HasPrefix(s.File, StandardRoot)
	}
	path := PackageOf(s.Function)
	first, _, _ := strings.Cut(path, "/")
	return path != "main" && !strings.Contains(first, ".")
}

// IsDependency reports whether a frame is in another module or vendored.
func IsDependency(s verdict.Site) bool {
	return strings.Contains(s.File, "@v") || strings.Contains(s.File, "/vendor/")
}

// ProjectFrame returns the index of the innermost frame of the project. If there is none, it
// returns that of a dependency, else 0.
func ProjectFrame(stack []verdict.Site) int {
	best := -1
	for i, s := range stack {
		if IsStandard(s) {
			continue
		}
		if !IsDependency(s) {
			return i
		}
		if best < 0 {
			best = i
		}
	}
	return max(best, 0)
}

// CallerOf returns the nearest caller of a place in another package, without frames of the standard
// library and of the harness. It returns none if there is no such caller.
func CallerOf(stack []verdict.Site, place verdict.Site) verdict.Site {
	i := slices.Index(stack, place)
	for _, s := range stack[i+1:] {
		if p := PackageOf(s.Function); p != PackageOf(place.Function) && !IsInstrument(s.Function) && !IsStandard(s) {
			return s
		}
	}
	return verdict.Site{}
}

// Text returns a stack as text: one frame a line, innermost first.
func Text(stack []verdict.Site) string { return string(AppendText(nil, stack)) }

// AppendText appends what Text returns.
func AppendText(b []byte, stack []verdict.Site) []byte {
	for i, s := range stack {
		if i > 0 {
			b = append(b, '\n')
		}
		b = s.Append(b)
	}
	return b
}
