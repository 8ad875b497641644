package source

import (
	"go/ast"
	"go/parser"
	"go/token"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// BeginOfLiteral returns the first line of the statement if the place is the last line of a
// function literal that is called at once. The compiler puts such a call at its parentheses,
// after the closing brace, and that line says nothing to a reader. Other places, and those
// without source, stay as they are.
func BeginOfLiteral(place verdict.Site) verdict.Site {
	if place.File == "" {
		return place
	}
	tokens := token.NewFileSet()
	file, err := parseFile(tokens, place.File, readOverlay(), parser.SkipObjectResolution)
	if err != nil {
		return place
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		_, literal := ast.Unparen(call.Fun).(*ast.FuncLit)
		if literal && tokens.Position(call.Lparen).Line == place.Line {
			place.Line = tokens.Position(call.Pos()).Line
			return false
		}
		return true
	})
	return place
}
