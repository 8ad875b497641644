package source

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// rawOpens maps the system calls that open a descriptor or map memory to the kinds that they open,
// "" for any descriptor. No object of net or os holds what they return, so the GC never frees it.
var rawOpens = map[string]string{
	"Dup": "", "Dup2": "", "Dup3": "", "FcntlInt": "",
	"Socket": "tcp udp unix socket", "Socketpair": "unix socket", "Accept": "tcp unix socket", "Accept4": "tcp unix socket",
	"Open": "file", "Openat": "file", "Creat": "file", "Pipe": "pipe", "Pipe2": "pipe",
	"EpollCreate": "anon_inode", "EpollCreate1": "anon_inode", "InotifyInit": "anon_inode", "InotifyInit1": "anon_inode", "Eventfd": "anon_inode",
	"TimerfdCreate": "anon_inode", "MemfdCreate": "file",
	"Mmap": "memory", "MmapPtr": "memory",
}

// rawOpen is a call of one of rawOpens.
type rawOpen struct {
	name string
	at   token.Pos
	fn   *ast.FuncDecl
}

// Opens returns the system calls in the packages of the roots that can have opened a
// descriptor of a kind, or mapped "memory", in the order of the source.
func Opens(roots map[string]any, kind string) []verdict.Site {
	kind, _, _ = strings.Cut(kind, ":")
	var sites []verdict.Site
	for _, p := range packagesOf(roots) {
		for _, o := range p.opens {
			if kinds := rawOpens[o.name]; kinds == "" && kind != "memory" || slices.Contains(strings.Fields(kinds), kind) {
				sites = append(sites, p.site(o.at, o.fn))
			}
		}
	}
	return sites
}

// packagesOf reads the packages that declare the types of the roots. It skips those without
// source.
func packagesOf(roots map[string]any) []*sourcePackage {
	var packages []*sourcePackage
	read := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(roots)) {
		t := structOf(reflect.TypeOf(roots[name]))
		if t == nil || read[t.PkgPath()] {
			continue
		}
		read[t.PkgPath()] = true
		var known []verdict.Site
		collectMethods(t.PkgPath(), t, map[reflect.Type]bool{}, &known)
		if p := readPackage(known); p != nil {
			packages = append(packages, p)
		}
	}
	return packages
}

// rawOpenBy returns the name of the system call if a call is one of rawOpens.
func (p *sourcePackage) rawOpenBy(call *ast.CallExpr) (name string, ok bool) {
	fun, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	of, ok := fun.X.(*ast.Ident)
	if !ok {
		return "", false
	}
	pkg, ok := p.info.Uses[of].(*types.PkgName)
	if !ok {
		return "", false
	}
	_, opens := rawOpens[fun.Sel.Name]
	path := pkg.Imported().Path()
	return fun.Sel.Name, opens && (path == "syscall" || path == "golang.org/x/sys/unix")
}
