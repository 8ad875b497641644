package detect

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// opener is a line that opened descriptors, or took connections over.
type opener struct {
	site  *heap.Site
	kind  string // the type that has the finalizer
	how   string // "opened" or "taken over"
	freed int64  // during the run; for a line that took connections over, how many
	exact bool   // as many in each cycle as were forgotten
}

// openers maps functions that allocate an object with a finalizer to the type whose Close was
// forgotten, and to the number of objects that they allocate for one.
var openers = map[string]struct {
	kind    string
	objects int64
}{
	"net.newFD":  {"net.Conn", 1},
	"os.newFile": {"*os.File", 2},
}

// hijacking is the function in which net/http hands a connection over. It allocates one object
// for each.
const hijacking = "net/http.(*conn).hijackLocked"

// openedAt returns the lines that may have opened what was forgotten in each cycle. It returns
// one line if only its count matches exactly, or if accepted connections were forgotten and
// only one line takes connections over. Otherwise it returns those with as many or more, the
// likeliest first.
func (u *Unclosed) openedAt(perCycle []int64) []opener {
	takers, all := u.takers(perCycle), u.openers(perCycle)
	for _, list := range [][]opener{takers, all} {
		if exact := slices.DeleteFunc(slices.Clone(list), func(o opener) bool { return !o.exact }); len(exact) == 1 {
			return exact
		}
	}
	if len(takers) == 1 && u.wereAccepted(sum(perCycle)) {
		return takers
	}
	all = append(takers, all...)
	return all[:min(len(all), 5)]
}

// openers returns the lines whose connections or files were freed during the run.
func (u *Unclosed) openers(perCycle []int64) []opener {
	count := sum(perCycle)
	var all []opener
	for site, now := range u.heaps[len(u.heaps)-1].Sites {
		by, ok := openers[site.Stack[0].Function]
		if freed := now.Frees - u.heaps[0].Sites[site].Frees; ok && freed > 0 {
			freed /= by.objects
			all = append(all, opener{site, by.kind, "opened", freed, freed == count})
		}
	}
	return likeliest(all)
}

// takers returns the lines that took over as many connections of an HTTP server as were
// forgotten, or more.
func (u *Unclosed) takers(perCycle []int64) []opener {
	var all []opener
	for site := range u.heaps[len(u.heaps)-1].Sites {
		if !slices.ContainsFunc(site.Stack, func(s verdict.Site) bool { return s.Function == hijacking }) {
			continue
		}
		o := opener{site: site, kind: "net.Conn", how: "taken over", exact: true}
		for k, n := range perCycle {
			took := u.heaps[k+1].Sites[site].Made() - u.heaps[k].Sites[site].Made()
			o.freed, o.exact = o.freed+took, o.exact && took == n
		}
		if o.freed >= sum(perCycle) {
			all = append(all, o)
		}
	}
	return likeliest(all)
}

func likeliest(all []opener) []opener {
	slices.SortFunc(all, func(a, b opener) int {
		return cmp.Or(cmp.Compare(b.freed, a.freed), strings.Compare(a.site.Key, b.site.Key))
	})
	return all
}
