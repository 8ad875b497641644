package mutate

import (
	"fmt"
	"go/ast"
	"go/token"
)

// keep puts a mutant at the start of the block of a function, a branch or a loop.
func (g *generator) keep(n ast.Node) {
	switch n := n.(type) {
	case *ast.FuncDecl:
		g.keepAt(n.Body.Lbrace, n.Body.Lbrace+1, n)
	case *ast.FuncLit:
		g.keepAt(n.Body.Lbrace, n.Body.Lbrace+1, n)
	case *ast.IfStmt:
		g.keepAt(n.Body.Lbrace, n.Body.Lbrace+1, n)
		if other, ok := n.Else.(*ast.BlockStmt); ok {
			g.keepAt(other.Lbrace, other.Lbrace+1, other)
		}
	case *ast.ForStmt:
		g.keepAt(n.Body.Lbrace, n.Body.Lbrace+1, n)
	case *ast.RangeStmt:
		g.keepAt(n.Body.Lbrace, n.Body.Lbrace+1, n)
	case *ast.CaseClause:
		g.keepAt(n.Colon, n.Colon+1, n)
	case *ast.CommClause:
		g.keepAt(n.Colon, n.Colon+1, n)
	}
}

var (
	keepKinds = []Kind{Object, Goroutine, Value, Timer, Entry, Context, Node, Descriptor}
	keepModes = []Mode{Every, Rare, Only}
)

// keepAt puts the mutant whose turn it is at a place. A kind or mode that needs a key gives
// its turn to the next if there is no key at hand.
func (g *generator) keepAt(line, at token.Pos, n ast.Node) {
	turn := g.start() + g.turn(Keep)
	kind, mode := keepKinds[turn%len(keepKinds)], keepModes[turn%len(keepModes)]
	key := g.key(at)
	if kind == Entry && key == "" {
		kind = Node
	}
	if mode == Only && (key == "" || kind == Entry) { // one key has one entry
		mode = Every
	}
	m := Mutant{Operator: Keep, Kind: kind, Mode: mode, Source: g.program.head(n), Field: g.pkg.Name + "." + keepFields[kind]}
	if kind == Entry || mode == Only {
		m.Key = key
	}
	if keepFields[kind] == "" {
		m.Field = ""
	}
	number := g.add(m, line)
	condition := fmt.Sprintf("mutantEvery(%d)", number)
	switch {
	case kind == Entry && mode == Rare:
		condition = fmt.Sprintf("mutantRareNew(%d, %s)", number, key)
	case kind == Entry:
		condition = fmt.Sprintf("mutantNew(%d, %s)", number, key)
	case mode == Rare:
		condition = fmt.Sprintf("mutantRare(%d)", number)
	case mode == Only:
		condition = fmt.Sprintf("mutantOnly(%d, %s)", number, key)
	}
	text := keepTexts[kind]
	if kind == Entry {
		text = fmt.Sprintf(text, key)
	}
	// A function with a defer is not inlined: what retains must not make the frame, and with
	// it the stack, of a program larger in which it is off.
	g.edits.insert(at, false, fmt.Sprintf(" if mutantAt(%d) { func() { mutantMu.Lock(); defer mutantMu.Unlock(); if %s { %s } }() };", number, condition, text))
}

// keepTexts retain one thing. All is in the function itself, so that stacks name its line.
var keepTexts = map[Kind]string{
	Object:     "mutantObjects = append(mutantObjects, new(mutantObject))",
	Value:      "mutantValues[len(mutantValues)] = 1",
	Entry:      "mutantEntries[%s] = struct{}{}",
	Node:       "mutantList = &mutantNode{next: mutantList}",
	Goroutine:  "go func() { <-make(chan struct{}) }()",
	Timer:      "mutantAfterFunc(mutantYears, func() {})",
	Context:    "mutantWithCancel(mutantParent)",
	Descriptor: "f, _ := mutantOpen(mutantDevice); mutantFiles = append(mutantFiles, f)",
}

// keepFields are the package variables that retain.
var keepFields = map[Kind]string{
	Object: "mutantObjects", Value: "mutantValues", Entry: "mutantEntries", Node: "mutantList", Context: "mutantParent", Descriptor: "mutantFiles",
}
