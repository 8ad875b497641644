package source

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// sourcePackage is the source of a package, and the statements of interest in it.
type sourcePackage struct {
	prefix string // of the names of its functions
	tokens *token.FileSet
	pkg    *types.Package
	info   types.Info
	stale  bool // a method is not at the line that the program reports

	changes map[*types.Var][]*change // of fields
	inserts map[*types.Var][]*change // into fields
	sums    []sum
	calls   map[*types.Func][]callSite
	opens   []rawOpen
}

// readPackage reads the package that declares the methods. It returns nil if there are none,
// or no source.
func readPackage(methods []verdict.Site) *sourcePackage {
	if len(methods) == 0 {
		return nil
	}
	name := methods[0].Function
	slash := strings.LastIndexByte(name, '/') + 1
	p := &sourcePackage{prefix: name[:slash+strings.IndexByte(name[slash:], '.')+1], tokens: token.NewFileSet()}
	files := p.parse(filepath.Dir(methods[0].File), methods)
	if len(files) == 0 {
		return nil
	}
	// The fields of this package have types without the imports, and to read those would
	// take seconds. Errors that follow from missing imports do not matter.
	check := types.Config{Importer: noImports{}, Error: func(error) {}, FakeImportC: true}
	p.info = types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
	}
	p.pkg, _ = check.Check(stack.PackageOf(name), p.tokens, files, &p.info)
	if p.pkg == nil {
		return nil
	}
	p.stale = !p.agrees(files, methods)
	p.collect(files)
	return p
}

type noImports struct{}

func (noImports) Import(name string) (*types.Package, error) {
	p := types.NewPackage(name, path.Base(name))
	p.MarkComplete()
	return p, nil
}

// parse parses the files of a folder that the program was built from. Test files are among
// them if they declare one of the methods.
func (p *sourcePackage) parse(dir string, methods []verdict.Site) []*ast.File {
	replaced := readOverlay()
	list, _ := os.ReadDir(dir) // an error means that there is no source
	var names []string
	for _, f := range list {
		names = append(names, f.Name())
	}
	for file := range replaced {
		if filepath.Dir(file) == dir && !slices.Contains(names, filepath.Base(file)) {
			names = append(names, filepath.Base(file))
		}
	}
	slices.Sort(names)
	isTest := func(file string) bool { return strings.HasSuffix(file, "_test.go") }
	tests := slices.ContainsFunc(methods, func(s verdict.Site) bool { return isTest(s.File) })
	builder := buildContext(replaced)
	// A folder may hold a package and its external tests: take the one with the methods.
	want := packageClause(p.tokens, methods[0].File, replaced)
	var files []*ast.File
	for _, name := range names {
		file := filepath.Join(dir, name)
		if !strings.HasSuffix(name, ".go") || isTest(name) && !tests || packageClause(p.tokens, file, replaced) != want {
			continue
		}
		if ok, err := builder.MatchFile(dir, name); !ok || err != nil {
			continue
		}
		if parsed, err := parseFile(p.tokens, file, replaced, parser.SkipObjectResolution); err == nil {
			files = append(files, parsed)
		}
	}
	return files
}

func parseFile(tokens *token.FileSet, file string, replaced overlay, mode parser.Mode) (*ast.File, error) {
	text, err := os.ReadFile(replaced.of(file))
	if err != nil {
		return nil, err
	}
	return parser.ParseFile(tokens, file, text, mode)
}

// packageClause returns the name of the package of a file, or "".
func packageClause(tokens *token.FileSet, file string, replaced overlay) string {
	parsed, err := parseFile(tokens, file, replaced, parser.PackageClauseOnly)
	if err != nil {
		return ""
	}
	return parsed.Name.Name
}

// buildContext decides which files belong to the running program.
func buildContext(replaced overlay) build.Context {
	ctx := build.Default
	ctx.OpenFile = func(file string) (io.ReadCloser, error) { return os.Open(replaced.of(file)) }
	about, ok := debug.ReadBuildInfo()
	if !ok {
		return ctx
	}
	for _, s := range about.Settings {
		switch {
		case s.Key == "-tags":
			ctx.BuildTags = append(ctx.BuildTags, strings.Split(s.Value, ",")...)
		case s.Key == "-race" && s.Value == "true":
			ctx.BuildTags = append(ctx.BuildTags, "race")
		}
	}
	return ctx
}

// agrees reports whether the methods are at the lines that the program reports. It does not
// notice a change within a function.
func (p *sourcePackage) agrees(files []*ast.File, methods []verdict.Site) bool {
	for _, file := range files {
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil {
				continue
			}
			first, last := p.tokens.Position(fn.Pos()), p.tokens.Position(fn.End())
			for _, m := range methods {
				if m.Function == p.function(fn) && m.File == first.Filename && (m.Line < first.Line || m.Line > last.Line) {
					return false
				}
			}
		}
	}
	return true
}

// function returns the name of a function as the runtime has it.
func (p *sourcePackage) function(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return p.prefix + fn.Name.Name
	}
	t, pointer := fn.Recv.List[0].Type, false
	if star, ok := t.(*ast.StarExpr); ok {
		t, pointer = star.X, true
	}
	name := ""
	switch t := t.(type) {
	case *ast.IndexExpr:
		name = types.ExprString(t.X) + "[...]"
	case *ast.IndexListExpr:
		name = types.ExprString(t.X) + "[...]"
	default:
		name = types.ExprString(t)
	}
	if pointer {
		name = "(*" + name + ")"
	}
	return p.prefix + name + "." + fn.Name.Name
}

func (p *sourcePackage) site(pos token.Pos, fn *ast.FuncDecl) verdict.Site {
	at := p.tokens.Position(pos)
	return verdict.Site{Function: p.function(fn), File: at.Filename, Line: at.Line}
}
